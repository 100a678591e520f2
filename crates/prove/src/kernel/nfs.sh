# One NFS server and two clients of it, the second in a network namespace of its own: two machines for the protocol.
# WRITER: story, or none (a rename without a lock). UPDATES: of each client.
load nfsd nfs nfsv4 veth
SHARE=/run/share
A=/run/a
B=/run/b
mkdir -p $SHARE $A $B /run/netns
mount -t ext4 /dev/ubda $SHARE || lacks ext4
story_file $SHARE/S-1/story.md count a b

serve() {
    mount -t tmpfs tmpfs /var/lib/nfs || return
    mkdir -p /var/lib/nfs/rpc_pipefs /var/lib/nfs/v4recovery /var/lib/nfs/sm /var/lib/nfs/sm.bak
    : > /var/lib/nfs/etab
    : > /var/lib/nfs/rmtab
    mount -t rpc_pipefs sunrpc /var/lib/nfs/rpc_pipefs
    mount -t nfsd nfsd /proc/fs/nfsd || return
    ip link set lo up
    rpcbind && rpc.statd --no-notify || return
    exportfs -i -o rw,sync,no_root_squash,insecure,fsid=0,no_subtree_check "*:$SHARE" || return
    # Nobody has locks to reclaim from before.
    echo 10 > /proc/fs/nfsd/nfsv4leasetime
    echo 10 > /proc/fs/nfsd/nfsv4gracetime
    rpc.mountd && rpc.nfsd 4 || return
    echo Y > /proc/fs/nfsd/v4_end_grace
}
serve > /run/server 2>&1 || lacks "an NFS server: $(tr '\n' ' ' < /run/server)"

{
    ip netns add two && ip link add v0 type veth peer name v1 && ip link set v1 netns two &&
        ip addr add 10.99.0.1/24 dev v0 && ip link set v0 up &&
        ip -n two addr add 10.99.0.2/24 dev v1 && ip -n two link set v1 up && ip -n two link set lo up
} > /run/net 2>&1 || lacks "a second network: $(tr '\n' ' ' < /run/net)"
options=nosharecache,vers=4.2
mount -t nfs -o $options 127.0.0.1:/ $A 2> /run/error || lacks "NFS 4.2: $(tr '\n' ' ' < /run/error)"
# The second machine has a name, mounts and a lock manager's address of its own.
ip netns exec two unshare --uts --mount bash -c "
    hostname two
    mount -t nfs -o $options 10.99.0.1:/ $B && echo mounted
    exec sleep 1000" > /run/two 2>&1 &
two=$!
until grep -q . /run/two; do sleep 0.05; done
grep -q mounted /run/two || lacks "NFS 4.2 for the second client: $(tr '\n' ' ' < /run/two)"
on_b() { nsenter --target $two --mount --net --uts "$@"; }

cat > /run/update << 'END'
# update FOLDER KEY: one update of the story in it.
story=$1/S-1/story.md
case $WRITER in
story) exec "$STORY" --quiet --timeout 60s set "$story" --inc count --inc "$2" ;;
# A whole new file, a sync, a rename; no lock.
none)
    count=$(sed -n 's/^count: //p' "$story")
    sed "s/^count: .*/count: $((count + 1))/" "$story" > "$story.$2"
    sync "$story.$2"
    mv "$story.$2" "$story"
    ;;
esac
END
cat > /run/work << 'END'
# work FOLDER KEY: all updates of one client.
for _ in $(seq "$UPDATES"); do
    if bash /run/update "$1" "$2" 2> "/run/error.$2"; then
        printf '%s' "$2" >> /run/order
    else
        echo "@failed $2: $? $(tr '\n' ' ' < "/run/error.$2")"
    fi
done
END
cat > /run/look << 'END'
# look FOLDER: reads the story until the work is done; it must always be there, and whole.
while [ ! -e /run/done ]; do
    if "$STORY" get "$1/S-1/story.md" count > /run/seen 2> /run/error.look; then
        printf . >> /run/looks
    else
        echo "@failed look: $? $(tr '\n' ' ' < /run/error.look)"
    fi
done
END
export STORY WRITER UPDATES
: > /run/order
bash /run/work $A a & a=$!
on_b bash /run/work $B b & b=$!
look=
if [ "$WRITER" = story ]; then
    on_b bash /run/look $B & look=$!
fi
wait $a $b
: > /run/done
[ -z "$look" ] || wait $look
say order "$(cat /run/order)"
say looks "$(wc -c < /run/looks 2> /dev/null || echo 0)"
for key in count a b; do say value $key "$(sed -n "s/^$key: //p" $SHARE/S-1/story.md)"; done
if [ "$WRITER" = story ]; then
    left $SHARE/S-1
    # A client that dies at work: the other one goes on at once, and finds nothing of it.
    RANDOM=$SEED
    for kill in $(seq "$KILLS"); do
        before=$("$STORY" get $A/S-1/story.md count)
        (exec nsenter --target $two --mount --net --uts bash /run/update $B b 2> /dev/null) &
        pid=$!
        pause=$(printf '0.%03d' $((50 + RANDOM % 150)))
        sleep "$pause"
        kill -9 $pid 2> /dev/null
        wait $pid 2> /dev/null
        "$STORY" --quiet --timeout 5s set $A/S-1/story.md --inc count 2> /run/error || say failed "the update after kill $kill: $? $(tr '\n' ' ' < /run/error)"
        say killed "$before" "$("$STORY" get $A/S-1/story.md count)" after "$pause s"
        # The client's kernel removes its .nfs files some time after the process that had them open.
        for _ in $(seq 100); do
            ls -A $SHARE/S-1 | grep -q '^.nfs' || break
            sleep 0.1
        done
        left $SHARE/S-1
    done
    say doctor "$("$STORY" --root $A doctor 2>&1 | tail -1)"
fi
end
