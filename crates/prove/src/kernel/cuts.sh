# Checks what the last cut left on the disk, then updates two stories by four writers until the power goes.
# FS: what is on the disk. WRITER: story, fast, or plain. FIRST: yes on a new disk.
DISK=/run/disk
mkdir -p $DISK
mount -t $FS /dev/ubda $DISK || lacks "$FS"
one=$DISK/stories/S-1/story.md
two=$DISK/stories/S-2/story.md
if [ "$FIRST" = yes ]; then
    story_file $one a b c next
    story_file $two d next
    sync
fi

show() { # show WORD: both stories, byte for byte
    say "$1 $(hex $one) $(hex $two)"
}
show found
ls -A $DISK/stories/* | grep '\.' | grep -v '^story.md$' | while read -r name; do say after-cut "$name"; done
for story in $one $two; do
    "$STORY" --quiet --timeout 0 set $story --inc next 2> /run/error || say failed "the next update: $? $(tr '\n' ' ' < /run/error)"
done
for folder in $DISK/stories/*; do
    for name in $(ls -A $folder | grep -v '^story.md$'); do
        # Btrfs may keep a temporary file and not the lock that was made before it: nobody was there to be taken over.
        say for-doctor "$name"
        "$STORY" --root $DISK --quiet doctor --fix > /run/error 2>&1 || say failed "doctor --fix: $? $(tr '\n' ' ' < /run/error)"
    done
    left $folder
done
show start

update() { # update STORY KEY: adds 1 to KEY; the next number is in n
    case $WRITER in
    story) "$STORY" --quiet --timeout 60s set "$1" --inc "$2" ;;
    fast) "$STORY" --quiet --timeout 60s --fast set "$1" --inc "$2" ;;
    # Without the lock, a new file or a sync: what not to do.
    plain) sed "s/^$2: .*/$2: $n/" "$1" > /run/new.$2 && cat /run/new.$2 > "$1" ;;
    esac
}
work() { # work STORY KEY
    local n
    n=$(sed -n "s/^$2: //p" "$1")
    while n=$((n + 1)); do
        update "$1" "$2" 2> "/run/error.$2" && say "ack $2 $n" || say failed "update of $2: $? $(tr '\n' ' ' < "/run/error.$2")"
    done
}
work $one a &
[ "$WRITER" = plain ] || {
    work $one b &
    work $one c &
}
work $two d &
say working
wait
