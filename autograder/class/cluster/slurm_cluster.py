"""A Slurm cluster of its own on this host, for tests: one controller, and
nodes that are a `slurmd` each, on loopback, with a munge of their own.

All files are in one folder. A node runs in a process namespace of its own, so
that what it started ends with it, as at a power failure; so it needs root.
"""

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

CONF = """
ClusterName=kvlab
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ReturnToService=2
SlurmdTimeout=5
KillWait=1
{nodes}
PartitionName=all Nodes=ALL Default=YES State=UP
"""


def free_ports(count):
    """Ports of loopback that are free now, all different."""
    with contextlib.ExitStack() as stack:
        sockets = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            for _ in range(count)
        ]
        return [each.getsockname()[1] for each in sockets]


def wait_until(holds, what, seconds=30):
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.05)


class SlurmCluster:
    """with SlurmCluster(folder, ["n1", "n2"], cpus=2) as cluster: ..."""

    def __init__(self, folder, nodes, cpus=2):
        self.folder = pathlib.Path(folder)
        self.nodes = nodes
        self.cpus = cpus
        self.conf = self.folder / "slurm.conf"
        # For programs that use this cluster.
        self.environment = {"SLURM_CONF": str(self.conf)}
        self.running = {}  # name: process

    def __enter__(self):
        (self.folder / "state").mkdir(parents=True)
        host = socket.gethostname().split(".")[0]
        port, *ports = free_ports(1 + len(self.nodes))
        lines = [
            f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1"
            f" Port={at} CPUs={self.cpus} RealMemory=1000"
            for node, at in zip(self.nodes, ports)
        ]
        self.conf.write_text(
            CONF.format(
                host=host,
                port=port,
                folder=self.folder,
                nodes="\n".join(lines),
            )
        )
        try:
            self.start_munge()
            self.start_controller()
            for node in self.nodes:
                self.start_node(node)
            wait_until(self.all_idle, "idle nodes")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self, name, *words):
        with open(self.folder / f"{name}.out", "ab") as log:
            self.running[name] = subprocess.Popen(
                words,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def end(self, name, how=signal.SIGKILL):
        process = self.running.pop(name)
        process.send_signal(how)
        process.wait()

    def stop(self):
        for name in list(self.running):
            self.end(name)

    def start_munge(self):
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        # munged insists on folders that others cannot write to, unless forced.
        self.start(
            "munged",
            *(shutil.which("munged", path="/usr/sbin"), "--foreground"),
            *("--force", f"--key-file={key}"),
            f"--socket={self.folder}/munge.socket",
            f"--pid-file={self.folder}/munged.pid",
            f"--seed-file={self.folder}/munged.seed",
            f"--log-file={self.folder}/munged.log",
        )
        wait_until((self.folder / "munge.socket").exists, "munge's socket")

    def start_controller(self):
        self.start("slurmctld", "/usr/sbin/slurmctld", "-D")
        wait_until(
            lambda: "UP" in self.ask("scontrol", "ping"), "the controller"
        )

    def start_node(self, node, *around):
        """around: a command that runs slurmd."""
        self.start(
            node,
            *("unshare", "--pid", "--mount-proc", "--fork", "--kill-child"),
            *around,
            *("/usr/sbin/slurmd", "-D", "-N", node),
        )

    def ask(self, *words):
        """What a command of Slurm prints."""
        return subprocess.run(
            words,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
        ).stdout

    def states(self):
        """Node: its state, such as "idle"."""
        lines = self.ask("sinfo", "-h", "-N", "-o", "%N %T").splitlines()
        return dict(line.split() for line in lines)

    def all_idle(self):
        states = self.states()
        return all(states.get(node) == "idle" for node in self.nodes)
