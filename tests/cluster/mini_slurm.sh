#!/usr/bin/env bash
# A real SLURM of several hosts on one machine, each with its own name, network, processes and /etc/hosts.
# Started as the first process of namespaces of its own: when it ends, so do all processes, networks and mounts.
#   unshare --net --uts --mount --pid --fork --kill-child --mount-proc mini_slurm.sh FOLDER HOSTS
# Reads from standard input `down N` (a power cut), `up N`; ends at the end of it.
set -euo pipefail
folder=$1 hosts=$2 net=10.77.7
mkdir -p "$folder"/{state,spool,munge,tmp}
chmod 755 "$folder" "$folder"/*
hostname ctl
{ echo "127.0.0.1 localhost"; echo "$net.254 ctl"; for n in $(seq "$hosts"); do echo "$net.$n n$n"; done; } > "$folder/hosts"
mount --bind "$folder/hosts" /etc/hosts
ip link set lo up
ip link add bridge type bridge
ip addr add $net.254/24 dev bridge
ip link set bridge up

# munge's socket is a file, so one daemon serves every host.
head -c 1024 /dev/urandom > "$folder/munge/key"
chmod 400 "$folder/munge/key"
munged --force --key-file="$folder/munge/key" --socket="$folder/munge/socket" --pid-file="$folder/munge/pid" \
  --log-file="$folder/munge/log" --seed-file="$folder/munge/seed"

# cred_expire: a requeued job waits for that long; 2 minutes without it, 5 seconds at least. SlurmdTimeout: a dead host is noticed soon.
cat > "$folder/slurm.conf" <<CONF
ClusterName=mini
SlurmctldHost=ctl($net.254)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$folder/munge/socket,cred_expire=5
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool/%n
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd-%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=0
JobRequeue=1
KillWait=10
SlurmdTimeout=6
ReturnToService=2
PlugStackConfig=/dev/null
SlurmdParameters=config_overrides
MailProg=/bin/true
NodeName=n[1-$hosts] CPUs=16 Boards=1 SocketsPerBoard=1 CoresPerSocket=16 ThreadsPerCore=1 RealMemory=8000
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF

declare -A holders
up() { # a host: its first process is the daemon, and takes all others with it
  local n=$1
  unshare --net --uts --mount --pid --fork --kill-child --mount-proc bash -c "
    hostname n$n; until ip link show eth0; do sleep 0.02; done; ip link set lo up; ip addr add $net.$n/24 dev eth0; ip link set eth0 up
    exec slurmd -D -N n$n -f '$folder/slurm.conf'" < /dev/null > "$folder/n$n.log" 2>&1 &
  holders[$n]=$!
  until pgrep -P "${holders[$n]}" > /dev/null; do sleep 0.02; done
  # The same address after a power cut: the other hosts remember it.
  ip link add "veth$n" type veth peer name eth0 address "02:00:00:00:00:0$n" netns "$(pgrep -P "${holders[$n]}")"
  ip link set "veth$n" master bridge up
}

export SLURM_CONF=$folder/slurm.conf
slurmctld -D -i -f "$folder/slurm.conf" > "$folder/slurmctld.log" 2>&1 &
for n in $(seq "$hosts"); do up "$n"; done
for _ in $(seq 300); do
  [ "$(sinfo -h -t idle -o %D 2> /dev/null)" = "$hosts" ] && { echo ready; break; }
  sleep 0.1
done
while read -r word n; do
  case $word in
    up) up "$n" ;;
    down) kill -KILL "${holders[$n]}"; wait "${holders[$n]}" || true; ip link del "veth$n" 2> /dev/null || true ;;
  esac
  echo "$word $n"
done
