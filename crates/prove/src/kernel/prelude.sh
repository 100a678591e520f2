# First in every guest script; run by bash as the guest's process 1. The root is the host's, read-only. What is written goes to
# /run (memory) and to disks. A line for the host begins with "@".
PATH=/usr/sbin:/usr/bin:/sbin:/bin
HOME=/run
export PATH HOME
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
echo 1 > /proc/sys/kernel/printk

# The kernel's modules lie where Debian's package puts them, not where modprobe looks.
mkdir -p /run/modules/lib
ln -s /usr/lib/uml/modules /run/modules/lib/modules
printf '#!/bin/sh\nexec modprobe -d /run/modules "$@"\n' > /run/modules/modprobe
chmod +x /run/modules/modprobe
echo /run/modules/modprobe > /proc/sys/kernel/modprobe
load() { for module; do /run/modules/modprobe "$module" || lacks "the module $module"; done; }

# say WORDS...: one line for the host, in one write.
say() { printf '@%s\n' "$*"; }
# lacks WHAT: this guest cannot do what the case needs.
lacks() { say lacks "$*"; end; }
# end: the guest is done.
end() {
    say end
    sync
    echo o > /proc/sysrq-trigger
    sleep 60
}
# story_file PATH KEY...: a story whose keys are 0.
story_file() {
    mkdir -p "$(dirname "$1")"
    { printf -- '---\nid: S-1\n'; printf '%s: 0\n' "${@:2}"; printf -- '---\nbody\n'; } > "$1"
}
# hex FILE: its bytes, on one line; "-" for none
hex() { [ -s "$1" ] && od -An -v -tx1 "$1" | tr -d ' \n' || echo -; }
# left FOLDER: what lies in it beside the story.
left() {
    local name
    for name in $(ls -A "$1"); do
        case $name in [Ss]*.md | [Ss]*.MD) ;; *) say left "$name" ;; esac
    done
    return 0
}
