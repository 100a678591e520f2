# FAT in the guest: names differ by case for people only; no links, no nameless files, times of two seconds.
# SEED: for the moments of the kills. KILLS: how many.
load vfat nls_cp437 nls_iso8859-1
DISK=/run/disk
mkdir -p $DISK
mount -t vfat /dev/ubda $DISK || lacks vfat
folder=$DISK/S-1
names="STORY.md story.md Story.MD"
story_file $folder/STORY.md count
export STORY folder
error() { tr '\n' ' ' < "$1"; }

# Who holds the lock by one name holds it by all.
"$STORY" lock run $folder/STORY.md -- env -u STORY_LOCK_HELD sh -c '
    for name; do
        "$STORY" --timeout 0 set "$folder/$name" --inc count > /dev/null 2>&1
        echo "@refused $name $?"
    done' sh $names

work() { # work KEY NAME: ten updates
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        "$STORY" --quiet --timeout 60s set "$folder/$2" --inc count --inc "$1" 2> "/run/error.$1" || say failed "$1: $? $(error "/run/error.$1")"
    done
}
work a STORY.md & a=$!
work b story.md & b=$!
work c Story.MD & c=$!
work d STORY.md & d=$!
wait $a $b $c $d
for key in count a b c d; do say value $key "$("$STORY" get $folder/story.md $key 2>&1)"; done
left $folder

RANDOM=$SEED
for kill in $(seq "$KILLS"); do
    before=$("$STORY" get $folder/STORY.md count)
    "$STORY" --quiet set $folder/STORY.md --inc count 2> /dev/null &
    pid=$!
    pause=$(printf '0.%03d' $((RANDOM % 60)))
    sleep "$pause"
    kill -9 $pid 2> /dev/null
    wait $pid 2> /dev/null
    found=$("$STORY" get $folder/STORY.md count 2> /run/error) || found="none: $(error /run/error)"
    "$STORY" --quiet --timeout 0 set $folder/story.md --inc count 2> /run/error || say failed "the update after kill $kill: $? $(error /run/error)"
    say killed "$before" "$found" "$("$STORY" get $folder/STORY.md count)" after "$pause s"
    left $folder
done
say doctor "$("$STORY" --root $DISK doctor 2>&1 | tail -1)"
end
