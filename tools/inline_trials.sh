#!/usr/bin/env bash
# Runs the trials of ext4 with inline data on Debian 12's Linux 6.1 in QEMU, where this machine's kernel does not bear them
# (6.18 deadlocks). The machine's root is the guest's, read-only, with memory over it. Needs root, apt-get and Debian 12.
# Any arguments go to pytest; without KVM a trial takes one to two minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
here=$PWD
place=${BASEOPS_JUDGES:-.judges}/linux-6.1
arguments=("$@")
((${#arguments[@]})) || arguments=(-m "slow or not slow" -k "inline or all-journaled")

for package in qemu-system-x86 busybox-static cpio kmod; do
    dpkg-query --show --showformat='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed && continue
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null
done
mkdir -p "$place"
if ! compgen -G "$place/root/boot/vmlinuz-*" >/dev/null; then
    name=$(apt-cache depends linux-image-amd64 | grep -o 'linux-image-6\.1\.[^ ]*')
    (cd "$place" && apt-get download -qq "$name" && dpkg-deb --extract linux-image-*.deb root && rm linux-image-*.deb)
fi
kernel=$(compgen -G "$place/root/boot/vmlinuz-*")
version=${kernel##*/vmlinuz-}

# The first file system: busybox, the modules that reach the host's root, and what starts the trials.
first=$(mktemp -d)
trap 'rm -rf "$first"' EXIT
mkdir -p "$first"/{bin,dev,proc,sys,host,memory,root,modules}
cp "$(dpkg -L busybox-static | grep -m1 'bin/busybox$')" "$first/bin/busybox"
depmod -b "$place/root" "$version"
modules=(virtio_pci 9pnet_virtio 9p overlay loop ext4)
for module in "${modules[@]}"; do
    modprobe --dirname "$place/root" --set-version "$version" --show-depends "$module" | sed -n 's/^insmod \([^ ]*\).*/\1/p'
done | awk '!seen[$0]++' >"$first/order"
number=0
while read -r path; do
    number=$((number + 1))
    cp "$path" "$first/modules/$(printf %03d $number).ko"
done <"$first/order"
printf '%q ' "${arguments[@]}" >"$first/arguments"
cat >"$first/init" <<INIT
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t devtmpfs none /dev; mount -t proc none /proc; mount -t sysfs none /sys
for module in /modules/*.ko; do insmod \$module 2>/dev/null; done
mount -t 9p -o trans=virtio,version=9p2000.L,msize=1048576,ro,cache=loose root /host
mount -t tmpfs -o size=90% memory /memory; mkdir /memory/upper /memory/work
mount -t overlay -o lowerdir=/host,upperdir=/memory/upper,workdir=/memory/work overlay /root
for each in dev proc sys; do mount --bind /\$each /root/\$each; done
mkdir -p /root/dev/shm; mount -t tmpfs -o size=70% shm /root/dev/shm; mount -t tmpfs tmp /root/tmp
echo "cd $here && HOME=/root PATH=\$PATH:/usr/sbin:/sbin .venv/bin/python -m pytest -q -p no:cacheprovider -rs \\
    tests/snapshots/kernel_truth/test_kernel_truth.py \$(cat /arguments)" >/root/tmp/trials
chroot /root /bin/bash /tmp/trials; echo "rc=\$?"
sync; poweroff -f
INIT
chmod +x "$first/init"
(cd "$first" && find . | cpio --quiet -o -H newc | gzip -1) >"$place/first.img"

qemu-system-x86_64 -machine accel=tcg -cpu max -m 6G -smp 1 -nographic -no-reboot -kernel "$kernel" -initrd "$place/first.img" \
    -append "console=ttyS0 quiet panic=-1" \
    -virtfs local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap | tee "$place/trials.log"
grep -q '^rc=0' "$place/trials.log"
