#!/usr/bin/env bash
# A real SLURM on this one machine, for the tests. Needs Debian and root.
#
#   cluster.sh check      end with 3, saying why, where none can run or packages are missing
#   cluster.sh install    install those packages
#   cluster.sh up         write the config, start all, wait until it is idle
#   cluster.sh down       stop what `up` started
#   cluster.sh lose NODE  kill a node and all that runs there; return NODE brings it back, empty
#
# CLUSTER=folder         its config, state, sockets and logs (default: cinelora-slurm in TMPDIR)
# CLUSTER_GPUS=1         stand-ins for GPUs: devices like /dev/null that SLURM schedules as GPUs
# CLUSTER_ACCOUNTS=yes   no: a cluster that keeps no accounts (no sacct, no database)
#
# Two nodes on one host: c1 in the partition cpu, g1 in the partition gpu; what is sent to the
# partition urgent preempts the jobs of gpu. Nothing in /etc is touched; /run/slurm/conf, where a
# node looks that has no config of its own, becomes a link to ours, because Snakemake hides SLURM's
# variables (SLURM_CONF too) from the commands inside a job.
set -euo pipefail

HOME_DIR=${CLUSTER:-${TMPDIR:-/tmp}/cinelora-slurm}
GPUS=${CLUSTER_GPUS:-1}
ACCOUNTS=${CLUSTER_ACCOUNTS:-yes}
HOST=$(hostname -s)
PORT=26817  # slurmctld; +1 slurmdbd, +2 and +3 the nodes
export SLURM_CONF=$HOME_DIR/etc/slurm.conf

die() { echo "cluster.sh: $*" >&2; exit 1; }
cannot() { echo "no SLURM can run here: $*" >&2; exit 3; }
running() {
    local pid
    pid=$(cat "$1" 2>/dev/null) && [ -n "$pid" ] && grep -qvE '\) [ZX] ' "/proc/$pid/stat" 2>/dev/null
}

wait_for() { # wait_for WHAT COMMAND...
    local what=$1 left=200
    shift
    until "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        if [ $left -le 0 ]; then
            grep -h -E 'fatal|error' "$HOME_DIR"/log/*.log | tail -n 5 >&2 || true
            die "waited in vain for $what; logs are in $HOME_DIR/log"
        fi
        sleep 0.2
    done
}

list_missing() {
    local package packages=(munge slurmctld slurmd slurm-client)
    if [ "$ACCOUNTS" = yes ]; then packages+=(slurmdbd mariadb-server); fi
    for package in "${packages[@]}"; do dpkg -s "$package" >/dev/null 2>&1 || echo "$package"; done
}

check_machine() {
    [ "$(id -u)" -eq 0 ] || cannot "this is not root, in whose name slurmd starts jobs"
    command -v apt-get >/dev/null || cannot "this is no Debian: there is no apt-get"
    if [ -e /etc/slurm/slurm.conf ] || { [ -e /run/slurm/conf ] && [ ! -L /run/slurm/conf ]; }; then
        cannot "this machine belongs to a cluster"
    fi
    running "$HOME_DIR/run/slurmctld.pid" || ! pgrep -x -r DRS slurmctld >/dev/null ||
        cannot "another slurmctld is running"
}

install() {
    local missing guard=/usr/sbin/policy-rc.d made=
    mapfile -t missing < <(list_missing)
    [ ${#missing[@]} -eq 0 ] && return 0
    # the packages' own services must not start: 101 means denied
    if [ ! -e $guard ]; then printf '#!/bin/sh\nexit 101\n' >$guard; chmod 755 $guard; made=1; fi
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
        --no-install-recommends "${missing[@]}"; } >"$HOME_DIR/log/apt.log" 2>&1 ||
        { tail -n 5 "$HOME_DIR/log/apt.log" >&2; rm -f ${made:+$guard}
          cannot "apt-get install ${missing[*]} failed"; }
    rm -f ${made:+$guard}
}

make_gpus() { # device files, or SLURM tells the jobs nothing of their GPU
    local number
    for ((number = 0; number < GPUS; number++)); do
        [ -c "$HOME_DIR/dev/nvidia$number" ] || mknod "$HOME_DIR/dev/nvidia$number" c 1 3 ||
            die "no device file can be made in $HOME_DIR/dev"
    done
}

write_config() {
    cat >"$HOME_DIR/etc/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$HOST(127.0.0.1)
SlurmctldPort=$PORT
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# a job that is started again waits so many seconds (of 120), lest its first run still lives
AuthInfo=socket=$HOME_DIR/run/munge.sock,cred_expire=15
CredType=cred/munge
StateSaveLocation=$HOME_DIR/state/ctld
SlurmdSpoolDir=$HOME_DIR/state/%n
SlurmctldPidFile=$HOME_DIR/run/slurmctld.pid
SlurmdPidFile=$HOME_DIR/run/slurmd-%n.pid
SlurmctldLogFile=$HOME_DIR/log/slurmctld.log
SlurmdLogFile=$HOME_DIR/log/slurmd-%n.log
# neither systemd nor cgroups: a job is its process group, and its memory is watched from outside
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SwitchType=switch/none
MpiDefault=none
MailProg=/bin/true
ReturnToService=2
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
GresTypes=gpu
# a node may claim more cores than this machine has
SlurmdParameters=config_overrides
DefMemPerCPU=100
# squeue knows finished jobs so long
MinJobAge=600
KillWait=5
SlurmdTimeout=60
NodeName=c1 NodeHostname=$HOST NodeAddr=127.0.0.1 Port=$((PORT + 2)) CPUs=4 RealMemory=16000
NodeName=g1 NodeHostname=$HOST NodeAddr=127.0.0.1 Port=$((PORT + 3)) CPUs=4 RealMemory=16000 Gres=gpu:$GPUS
PartitionName=cpu Nodes=c1 Default=YES MaxTime=1-0 DefaultTime=10 State=UP
PartitionName=gpu Nodes=g1 MaxTime=1-0 DefaultTime=10 State=UP
PartitionName=urgent Nodes=g1 PriorityTier=2 State=UP
CONF
    if [ "$ACCOUNTS" = yes ]; then cat >>"$HOME_DIR/etc/slurm.conf" <<CONF; fi
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=$((PORT + 1))
# with munge this is the socket of the database's clients
AccountingStoragePass=$HOME_DIR/run/munge.sock
AccountingStorageTRES=gres/gpu
AccountingStoreFlags=job_comment
AccountingStorageEnforce=associations
CONF
    echo "AutoDetect=off
NodeName=g1 Name=gpu File=$HOME_DIR/dev/nvidia[0-$((GPUS - 1))]" >"$HOME_DIR/etc/gres.conf"
}

start_munge() {
    running "$HOME_DIR/run/munged.pid" && return 0
    [ -s "$HOME_DIR/etc/munge.key" ] ||
        (umask 077; head -c 128 /dev/urandom >"$HOME_DIR/etc/munge.key")
    /usr/sbin/munged --force --key-file="$HOME_DIR/etc/munge.key" --socket="$HOME_DIR/run/munge.sock" \
        --pid-file="$HOME_DIR/run/munged.pid" --log-file="$HOME_DIR/log/munged.log" \
        --seed-file="$HOME_DIR/run/munge.seed"
    wait_for munged munge -S "$HOME_DIR/run/munge.sock" -n -o /dev/null
}

start_database() {
    local socket=$HOME_DIR/run/mysql.sock data=$HOME_DIR/state/mysql
    running "$HOME_DIR/run/mysqld.pid" && return 0
    [ -d "$data/mysql" ] || mariadb-install-db --no-defaults --user=root --datadir="$data" \
        --skip-test-db --auth-root-authentication-method=socket >"$HOME_DIR/log/mysql-install.log" 2>&1
    setsid mariadbd --no-defaults --user=root --datadir="$data" --socket="$socket" --skip-networking \
        --pid-file="$HOME_DIR/run/mysqld.pid" --log-error="$HOME_DIR/log/mysqld.log" \
        --innodb-buffer-pool-size=64M --innodb-log-file-size=32M --innodb-lock-wait-timeout=900 \
        </dev/null >/dev/null 2>&1 &
    wait_for MariaDB mariadb-admin --no-defaults --socket="$socket" ping
    mariadb --no-defaults --socket="$socket" -e "create database if not exists accounting;"
}

start_accounting() {
    running "$HOME_DIR/run/slurmdbd.pid" && return 0
    (umask 077; cat >"$HOME_DIR/etc/slurmdbd.conf" <<CONF
AuthType=auth/munge
AuthInfo=socket=$HOME_DIR/run/munge.sock
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort=$((PORT + 1))
SlurmUser=root
PidFile=$HOME_DIR/run/slurmdbd.pid
LogFile=$HOME_DIR/log/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=accounting
CONF
    )
    MYSQL_UNIX_PORT=$HOME_DIR/run/mysql.sock slurmdbd
    wait_for slurmdbd timeout 5 sacctmgr -n show cluster
    sacctmgr -Qi add cluster test >/dev/null || true  # each is there when `up` is run again
    sacctmgr -Qi add account films Cluster=test >/dev/null || true
    sacctmgr -Qi add user "$(id -un)" Account=films DefaultAccount=films >/dev/null || true
}

stop() { # stop PIDFILE
    local left=100 pid
    running "$1" || { rm -f "$1"; return 0; }
    pid=$(cat "$1")
    kill "$pid"
    while running "$1" && [ $left -gt 0 ]; do sleep 0.2; left=$((left - 1)); done
    if running "$1"; then kill -9 "$pid"; fi
    rm -f "$1"
}

stop_slurm() { for name in slurmd-c1 slurmd-g1 slurmctld; do stop "$HOME_DIR/run/$name.pid"; done; }

is_idle() { [ "$(sinfo -h -p cpu,gpu -N -o '%t' | grep -c idle)" -eq 2 ]; }

start_node() { nice -n 19 slurmd -f "$SLURM_CONF" -N "$1"; }

make_folders() {
    mkdir -p "$HOME_DIR"/{etc,log,run,dev,state/ctld,state/c1,state/g1}
    chmod 755 "$HOME_DIR" "$HOME_DIR"/{etc,log,run,dev,state}
}

up() {
    make_gpus
    stop_slurm
    write_config
    start_munge
    if [ "$ACCOUNTS" = yes ]; then start_database; start_accounting; fi
    mkdir -p /run/slurm
    ln -sfn "$HOME_DIR/etc" /run/slurm/conf
    slurmctld -f "$SLURM_CONF"
    wait_for slurmctld scontrol ping
    for node in c1 g1; do start_node $node; done
    wait_for "two idle nodes" is_idle
    sinfo -o '%P %t %c cores %m MB %G'
}

list_tree() { # a process and all that came of it
    local child
    echo "$1"
    for child in $(pgrep -P "$1"); do list_tree "$child"; done
}

lose() { # lose NODE: as if somebody had pulled its plug, and the cluster had noticed
    local job keeper
    kill -9 "$(cat "$HOME_DIR/run/slurmd-$1.pid")"
    for job in $(squeue -h -w "$1" -t RUNNING -o %A); do
        for keeper in $(pgrep -f "slurmstepd: \[$job\."); do list_tree "$keeper"; done
    done | xargs -r kill -9 || true # one that ended meanwhile
    scontrol update nodename="$1" state=down reason=lost
}

down() {
    if running "$HOME_DIR/run/slurmctld.pid"; then scancel -u "$(id -un)" || true; sleep 1; fi
    stop_slurm
    for name in slurmdbd mysqld munged; do stop "$HOME_DIR/run/$name.pid"; done
    if [ "$(readlink /run/slurm/conf)" = "$HOME_DIR/etc" ]; then rm -f /run/slurm/conf; fi
}

case ${1:-} in
    check) check_machine; [ -z "$(list_missing)" ] || cannot "not installed: $(list_missing | xargs)" ;;
    install) check_machine; make_folders; install ;;
    up) check_machine; make_folders; install; up ;;
    down) down ;;
    lose) lose "$2" ;;
    return) start_node "$2" ;;
    *) die "usage: cluster.sh check|install|up|down|lose NODE|return NODE" ;;
esac
