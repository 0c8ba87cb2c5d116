"""Network namespaces that a test makes and removes itself.

Names carry the process id, so that tests run side by side. Devices have fixed MAC addresses,
permanent neighbours and no IPv6 of their own accord: what crosses them is what the test sends.
"""
import atexit
import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import time

NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


def skip(why):
    print("skipped:", why)
    sys.exit(77)


def need(*tools):
    """Skips the test when it cannot be done here."""
    if os.geteuid() != 0:
        skip("needs root for network namespaces")
    for tool in tools:
        if not shutil.which(tool):
            skip(f"needs {tool}")
    probe = f"nagare-probe-{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", probe], capture_output=True).returncode:
        skip("cannot make network namespaces here")
    subprocess.run(["ip", "netns", "delete", probe], check=True)


def run(*command, namespace=None, check=True, timeout=60, **options):
    if namespace:
        command = ("ip", "netns", "exec", namespace, *command)
    result = subprocess.run(command, text=True, capture_output=True, timeout=timeout, **options)
    if check and result.returncode:
        raise RuntimeError(f"{' '.join(command)}: {result.stdout}{result.stderr}")
    return result


def wait_for(condition, what, seconds=20):
    """Waits for an event, never for time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.02)


@contextlib.contextmanager
def inside(namespace):
    """This thread's sockets are of that network namespace."""
    with open("/proc/self/ns/net") as own, open(f"/run/netns/{namespace}") as other:
        if LIBC.setns(other.fileno(), NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        try:
            yield
        finally:
            if LIBC.setns(own.fileno(), NEWNET):
                raise OSError(ctypes.get_errno(), "setns")


class Network:
    """Namespaces by short names, joined by veth pairs."""

    def __init__(self, *names):
        self.full = {name: f"nagare-{os.getpid()}-{name}" for name in names}
        self.processes = []
        self.files = []  # closed with the network
        self.links = 0
        atexit.register(self.close)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        try:
            for name in names:
                self.add(name)
        except BaseException:
            self.close()  # the next test would find the names taken
            raise

    def add(self, name):
        run("ip", "netns", "add", self.full[name])
        self.run(name, "sysctl", "-qw", "net.ipv6.conf.default.accept_ra=0",
                 "net.ipv6.conf.default.addr_gen_mode=1", "net.ipv6.conf.default.accept_dad=0",
                 "net.ipv6.conf.default.router_solicitations=0",
                 # Reports of multicast groups (RFC 3810) at once, not within a second of a device's
                 # start, when a test may be counting already.
                 "net.ipv6.conf.default.mldv1_unsolicited_report_interval=1",
                 "net.ipv6.conf.default.mldv2_unsolicited_report_interval=1")
        self.run(name, "ip", "link", "set", "lo", "up")

    def run(self, name, *command, **options):
        return run(*command, namespace=self.full[name], **options)

    def start(self, name, *command, **options):
        process = subprocess.Popen(("ip", "netns", "exec", self.full[name], *command), **options)
        self.processes.append(process)
        return process

    def join(self, left, left_device, left_addresses, right, right_device, right_addresses):
        """A veth pair with addresses like "10.0.0.1/24", offloads off, neighbours known."""
        self.links += 1
        ends = ((left, left_device, left_addresses, f"02:00:00:00:{self.links:02x}:01"),
                (right, right_device, right_addresses, f"02:00:00:00:{self.links:02x}:02"))
        run("ip", "link", "add", left_device, "netns", self.full[left], "type", "veth",
            "peer", "name", right_device, "netns", self.full[right])
        for name, device, addresses, mac in ends:
            self.run(name, "ip", "link", "set", device, "address", mac)
            for address in addresses:
                self.run(name, "ip", "address", "add", address, "dev", device,
                         *(["nodad"] if ":" in address else []))
            self.run(name, "ip", "link", "set", device, "up")
            if shutil.which("ethtool"):
                self.run(name, "ethtool", "-K", device, "tso", "off", "gso", "off", "gro", "off",
                         "tx-udp-segmentation", "off", check=False)
        for (name, device, _, _), (_, _, addresses, mac) in (ends, ends[::-1]):
            for address in addresses:
                self.run(name, "ip", "neighbour", "replace", address.split("/")[0], "lladdr", mac,
                         "dev", device, "nud", "permanent")

    def counters(self, name, device):
        """What the kernel counted: packets and bytes, received and sent."""
        link = json.loads(self.run(name, "ip", "-json", "-s", "link", "show", device).stdout)[0]
        stats = link["stats64"]
        return {"rx_packets": stats["rx"]["packets"], "rx_bytes": stats["rx"]["bytes"],
                "tx_packets": stats["tx"]["packets"], "tx_bytes": stats["tx"]["bytes"]}

    def settle(self, name, device):
        """Until what the kernel itself sends on a new device is out."""
        def is_quiet():
            before = self.counters(name, device)
            time.sleep(0.5)
            return self.counters(name, device) == before
        wait_for(is_quiet, "a quiet device")

    def nft(self, name, rules):
        self.run(name, "nft", "-f", "-", input=rules)

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        self.processes = []
        for file in self.files:
            file.close()
        for full in self.full.values():
            subprocess.run(["ip", "netns", "delete", full], capture_output=True)
        self.full = {}
