#!/usr/bin/env python3
"""How long after a crash with many waiting Tasks the first Worker is offered one.

usage: restart.py --program target/release/switchyard [--database-url sqlite:///tmp/restart.db] [--tasks 500000]

Needs an empty database. Starts the server, creates the Tasks 500 at a time (with attributes of about 300 bytes; that is
the figure for bulk creation), kills the server with SIGKILL, starts it again and makes a Worker available as soon as
there is an answer. Prints JSON.
"""
import argparse
import json
import os
import signal
import subprocess
import tempfile
import time

from prepare import Client, all_of

SIGNING_KEY = 'a secret for load runs and for nothing else'
TASKS_PER_REQUEST = 500
ATTRIBUTES = {'skills': ['billing', 'spanish'], 'customer': {'name': 'Ada Lovelace', 'tier': 'gold', 'notes': 'x' * 180},
              'from': '+15005550006', 'language': 'es'}


def start(program, address, env):
    return subprocess.Popen([program, '--listen', address], env=env, stdout=subprocess.DEVNULL)


def answering(url, token):
    """A client, as soon as the server answers."""
    while True:
        client = Client(url, token)
        try:
            client.send('{ viewer { role } }', {})
            return client
        except OSError:
            time.sleep(0.005)


def cpu_seconds(process):
    fields = open(f'/proc/{process.pid}/stat').read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def main():
    options = argparse.ArgumentParser()
    options.add_argument('--program', required=True)
    options.add_argument('--database-url', default=f'sqlite://{tempfile.gettempdir()}/restart.db')
    options.add_argument('--tasks', type=int, default=500_000)
    options.add_argument('--port', type=int, default=4290)
    options = options.parse_args()
    program, address = os.path.abspath(options.program), f'127.0.0.1:{options.port}'
    url = f'http://{address}/graphql'
    env = {**os.environ, 'DATABASE_URL': options.database_url, 'SWITCHYARD_SIGNING_KEY': SIGNING_KEY, 'SWITCHYARD_LOG': 'warn'}
    token = subprocess.run([program, 'token', '--role', 'admin'], env=env, check=True, capture_output=True,
                           text=True).stdout.strip()

    server = start(program, address, env)
    client = answering(url, token)
    workspace = client.send('{ workspaces { nodes { id activities { id name } workflows { nodes { id } } } } }', {})
    workspace = workspace['workspaces']['nodes'][0]
    activities = {activity['name']: activity['id'] for activity in workspace['activities']}
    worker = client.send('mutation($input: CreateWorkerInput!) { createWorker(input: $input) { worker { id } } }', {
        'input': {'workspaceId': workspace['id'], 'name': 'first', 'activityId': activities['Offline']}})
    worker = worker['createWorker']['worker']['id']
    task = {'workflowId': workspace['workflows']['nodes'][0]['id'], 'attributes': ATTRIBUTES}
    inputs = [{'workspaceId': workspace['id'], 'tasks': [task] * TASKS_PER_REQUEST}
              for _ in range(0, options.tasks, TASKS_PER_REQUEST)]
    began, cpu = time.monotonic(), cpu_seconds(server)
    all_of(url, token, 'createTasks', 'sequence', inputs, fields_per_request=1)
    created, cpu = time.monotonic() - began, cpu_seconds(server) - cpu
    os.kill(server.pid, signal.SIGKILL)
    server.wait()

    began = time.monotonic()
    server = start(program, address, env)
    client = answering(url, token)
    answered = time.monotonic() - began
    client.send('mutation($input: SetWorkerActivityInput!) { setWorkerActivity(input: $input) { worker { id } } }', {
        'input': {'workerId': worker, 'activityId': activities['Available']}})
    offered = client.send('query($id: ID!) { node(id: $id) { ... on Worker { reservations { nodes { id } } } } }', {'id': worker})
    first = time.monotonic() - began
    if not offered['node']['reservations']['nodes']:
        raise SystemExit('no offer was made')
    status = open(f'/proc/{server.pid}/status').read()
    resident = int(status.split('VmRSS:')[1].split()[0]) // 1024
    server.terminate()
    server.wait()
    print(json.dumps({'tasks': options.tasks, 'created_per_second': round(options.tasks / created),
                      'created_per_cpu_second': round(options.tasks / cpu), 'seconds_to_answer': round(answered, 2),
                      'seconds_to_first_offer': round(first, 2), 'resident_mib': resident}))


if __name__ == '__main__':
    main()
