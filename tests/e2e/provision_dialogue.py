#!/usr/bin/env python3
"""Speaks the dialogue of the STM32U5 reference integration's provisioning script with a device.

    provision_dialogue.py --device TERMINAL --cloud cloud.json --root-ca FILE
                          [--thing-name NAME] [--cert-issuer self|aws]

Written from a description of what that script sends, reads back and takes for a failure: each
command's echo is the first line that comes back within 2 s; an answer ends with the prompt and a
tenth of a second of silence, within 2 s; a line with an error word in it, of the log too, is the
end; of PEM text that is typed the echo must be the same text. The cloud is the local one.
"""
import argparse
import json
import os
import random
import string
import sys
import termios
import time
import tty

import boto3

READ_TIMEOUT = 0.1
PROMPT = "> "
ERRORS = ("error", "Error", "ERROR", "<ERR>")


class Failed(Exception):
    pass


class Target:
    def __init__(self, path):
        self.port = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.port)
        attributes = termios.tcgetattr(self.port)
        attributes[6][termios.VMIN] = 0
        attributes[6][termios.VTIME] = 1  # tenths of a second
        termios.tcsetattr(self.port, termios.TCSANOW, attributes)
        termios.tcflush(self.port, termios.TCIFLUSH)  # as at the opening of a serial port
        os.write(self.port, b"\x03")
        self.response()

    def read_line(self):
        """A line with its end, or what has come of one before the silence."""
        line = b""
        while not line.endswith(b"\n"):
            byte = os.read(self.port, 1)
            if not byte:
                break
            line += byte
        return line.decode("utf-8", "replace")

    def response(self):
        lines = []
        end = time.monotonic() + 2
        while time.monotonic() < end:
            line = self.read_line()
            if any(word in line for word in ERRORS):
                raise Failed("the target said: " + line.strip())
            if line == PROMPT:
                return lines
            if line:
                lines.append(line.strip("\r\n"))
        raise Failed("no prompt within 2 s behind: %r" % lines)

    def send(self, command):
        os.write(self.port, (command + "\r\n").encode())
        end = time.monotonic() + 2
        line = ""
        while not line and time.monotonic() < end:
            line = self.read_line()
        if command not in line:
            raise Failed("the echo of %r was %r" % (command, line))

    def command(self, command):
        self.send(command)
        return self.response()

    def read_pem(self, seconds=2):
        text = None
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            line = self.read_line()
            if text is None and (line == PROMPT or any(word in line for word in ERRORS)):
                raise Failed("no PEM, but %r" % line)
            if "-----BEGIN " in line:
                text = ""
            if text is not None:
                text += line.replace(PROMPT, "").replace("\r\n", "\n")
            if "-----END " in line:
                return text
        raise Failed("no whole PEM within %d s: %r" % (seconds, text))

    def pem_of(self, command):
        self.send(command)
        pem = self.read_pem()
        self.response()
        return pem

    def write_pem(self, command, pem):
        self.send(command)
        os.write(self.port, (pem + "\n\n").replace("\n", "\r\n").encode())
        echo = self.read_pem(5)
        if echo.replace("\r", "") != pem:
            raise Failed("the echo of the PEM text is another text: %r" % echo)
        self.response()

    def configuration(self):
        found = {}
        for line in self.command("conf get"):
            if "=" in line:
                key, value = line.split("=")
                found[key] = value.strip('"')
        return found


def client(service, facts):
    return boto3.client(
        service,
        endpoint_url=facts["api_url"],
        region_name=facts["region"],
        aws_access_key_id=facts["access_key_id"],
        aws_secret_access_key=facts["secret_access_key"],
        verify=facts["root_ca"],
    )


def register(target, iot, issuer, thing):
    """The key, the certificate and the thing; returns the certificate's ARN."""
    key = target.pem_of("pki generate key")
    if "BEGIN PUBLIC KEY" not in key:
        raise Failed("no public key: %r" % key)
    if issuer == "self":
        pem = target.pem_of("pki generate cert")
        answer = iot.register_certificate_without_ca(certificatePem=pem, status="ACTIVE")
    else:
        pem = target.pem_of("pki generate csr")
        answer = iot.create_certificate_from_csr(certificateSigningRequest=pem, setAsActive=True)
    iot.create_thing(thingName=thing)
    iot.attach_thing_principal(thingName=thing, principal=answer["certificateArn"])
    if issuer == "aws":
        target.write_pem("pki import cert", answer["certificatePem"])
    return answer["certificateArn"]


def allow_all(iot, arn):
    if "AllowAllDev" not in [p["policyName"] for p in iot.list_policies()["policies"]]:
        document = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}],
        }
        iot.create_policy(policyName="AllowAllDev", policyDocument=json.dumps(document))
    iot.attach_policy(policyName="AllowAllDev", target=arn)


def provision(options):
    with open(options.cloud) as file:
        facts = json.load(file)
    target = Target(options.device)
    before = target.configuration()
    wanted = dict(before)
    if options.thing_name:
        wanted["thing_name"] = options.thing_name
    if not wanted["thing_name"]:
        letters = string.ascii_letters + string.digits
        wanted["thing_name"] = "".join(random.choice(letters) for _ in range(16))
    wanted["time_hwm"] = str(int(time.time()))
    client("sts", facts).get_caller_identity()
    iot = client("iot", facts)
    # At AWS the address is enough, whose port is 8883; here it has a port of its own.
    address = iot.describe_endpoint(endpointType="iot:Data-ATS")["endpointAddress"]
    wanted["mqtt_endpoint"] = address.split(":")[0]
    wanted["mqtt_port"] = str(facts["mqtt_port"])
    for key in wanted:
        if wanted[key] != before[key]:
            target.command("conf set %s %s" % (key, wanted[key]))
    target.command("conf commit")
    arn = register(target, iot, options.cert_issuer, wanted["thing_name"])
    allow_all(iot, arn)
    with open(options.root_ca) as file:
        target.write_pem("pki import cert root_ca_cert", file.read())
    target.send("reset")
    print(wanted["thing_name"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", required=True)
    parser.add_argument("--cloud", required=True)
    parser.add_argument("--root-ca", required=True)
    parser.add_argument("--thing-name")
    parser.add_argument("--cert-issuer", choices=("self", "aws"), default="self")
    try:
        provision(parser.parse_args())
    except Failed as failure:
        sys.exit("provision_dialogue: %s" % failure)


main()
