"""nagare up in a network namespace, and its APIs through boto3: what the tests of agents share.
Skipped (77) where boto3 is not: tools/install-dependencies --tests fetches it.
"""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile

CLIENTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".deps", "clients")
PYTHON = os.path.join(CLIENTS, "bin", "python")
if not os.path.exists(PYTHON):
    print("skipped: no .deps/clients; tools/install-dependencies --tests makes it")
    sys.exit(77)
if os.path.realpath(sys.prefix) != os.path.realpath(CLIENTS):
    os.execv(PYTHON, [PYTHON, "-B", *sys.argv])

import boto3
import botocore.config

from namespaces import inside, run, wait_for

NAGARE = None  # set by the test
ETHERNET = 14
KEPT = 0xc000003000  # BPF, PERFMON, NET_RAW, NET_ADMIN: capabilities(7) 39, 38, 13, 12

SEND = """
import socket, sys, time
source, destination, port, count, pause = sys.argv[1:]
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((source, 40000))
for _ in range(int(count)):
    try:
        s.sendto(b'x' * 100, (destination, int(port)))
    except ConnectionRefusedError:
        pass
    time.sleep(float(pause))
"""


def capabilities(pid):
    with open(f"/proc/{pid}/status") as file:
        return {name: int(value, 16) for name, value in
                re.findall(r"^(Cap\w+|NoNewPrivs):\s+(\w+)$", file.read(), re.M)}


def profile(text):
    return dict(line.split(" = ", 1) for line in text.splitlines() if " = " in line)


class Api:
    """boto3 with a profile, in a namespace; and the AWS CLI."""

    def __init__(self, namespace, text):
        self.namespace, self.key, self.clients = namespace, profile(text), {}
        self.verify = None  # a file of certificates

    def client(self, service):
        if service not in self.clients:
            self.clients[service] = boto3.client(
                service, verify=self.verify, endpoint_url=self.key["endpoint_url"],
                region_name=self.key["region"],
                aws_access_key_id=self.key["aws_access_key_id"],
                aws_secret_access_key=self.key["aws_secret_access_key"],
                config=botocore.config.Config(s3={"addressing_style": "path"}))
        return self.clients[service]

    def __call__(self, service, operation, **arguments):
        with inside(self.namespace):
            answer = getattr(self.client(service), operation)(**arguments)
            if operation == "get_object":
                answer["Body"] = answer["Body"].read()
            return answer

    def pages(self, service, operation, member, **arguments):
        """All items of a list."""
        found, more = [], {}
        while True:
            page = self(service, operation, **arguments, **more)
            found += page.get(member, [])
            token = page.get("nextToken") or page.get("NextContinuationToken")
            if not token:
                return found
            more = {"nextToken" if "nextToken" in page else "ContinuationToken": token}

    def cli(self, *arguments):
        """The AWS CLI's answer."""
        environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent",
                       "AWS_ACCESS_KEY_ID": self.key["aws_access_key_id"],
                       "AWS_SECRET_ACCESS_KEY": self.key["aws_secret_access_key"],
                       "AWS_DEFAULT_REGION": self.key["region"],
                       "AWS_ENDPOINT_URL": self.key["endpoint_url"],
                       "AWS_EC2_METADATA_DISABLED": "true"}
        output = run(PYTHON, "-m", "awscli", "--output", "json", *arguments, env=environment,
                     namespace=self.namespace).stdout
        return json.loads(output) if output.strip() else None


class Up:
    def __init__(self, network, name, folder, *options):
        self.network, self.name, self.folder = network, name, folder
        self.log = tempfile.TemporaryFile("w+")
        network.files.append(self.log)
        self.process = network.start(name, NAGARE, "up", "--data-dir", folder, *options,
                                     stdout=self.log, stderr=self.log)
        wait_for(lambda: "Recording this host" in self.output() or
                 self.process.poll() is not None, "nagare up is set up", 40)
        if self.process.poll() is not None:
            raise RuntimeError(self.output())
        with open(folder + "/credentials") as file:
            self.api = Api(network.full[name], file.read())

    def output(self):
        self.log.seek(0)
        return self.log.read()

    def child(self, command):
        children = run("pgrep", "-P", str(self.process.pid), "-f", f"nagare {command} ",
                       check=False).stdout.split()
        return int(children[0]) if children else None

    def kill(self, command):
        pid = self.child(command)
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: self.child(command) not in (None, pid), f"another {command}")

    def status(self):
        result = run(NAGARE, "agent", "status", "--data-dir", self.folder + "/agent", "-o", "json",
                     check=False)
        return json.loads(result.stdout) if result.stdout else {"FlowLogs": [], "Time": 0}

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)

    def query(self, bucket, sql):
        return json.loads(run(NAGARE, "query", "--from", f"{self.folder}/buckets/{bucket}",
                              "--output", "json", sql).stdout)

    def events(self, group):
        """All of a log group, as (stream, message, id)."""
        return [(e["logStreamName"], e["message"], e["eventId"]) for e in self.api.pages(
            "logs", "filter_log_events", "events", logGroupName=group, limit=10000)]
