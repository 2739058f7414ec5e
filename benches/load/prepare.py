#!/usr/bin/env python3
"""Sets a Workspace up for a load run, by GraphQL and with nothing but Python's own library.

usage: prepare.py --url http://127.0.0.1:8080/graphql --token ADMIN [--as worker|supervisor] SOCKETS

Makes, in the one Workspace that the server began with:

* a TaskQueue `Agents` for every Worker and a Workflow `Known agent` that routes a Task to the Worker whose id its
  attribute `worker` names, and to nobody else;
* a TaskQueue `Nobody` and a Workflow `Waiting`, whose Tasks only wait;
* SOCKETS Workers who are available, with the largest capacity on the default Task Channel, and a token for each;
  with `--as supervisor` tokens of supervisors instead, and no Workers.

Prints a line of JSON for each socket: {"key": WORKER, "token": TOKEN, "vars": {…}}. With 0 sockets there is one line,
for a Worker who is off duty: Tasks for them are created and wait, which is what a run without sockets measures.
"""
import argparse
import http.client
import json
import sys
import threading
from urllib.parse import urlsplit

CONNECTIONS = 16
FIELDS_PER_REQUEST = 20  # the server's limit for root fields
CAPACITY = 50
TTL_SECONDS = 86_400  # of tokens


class Client:
    """One connection that is kept."""

    def __init__(self, url, token):
        self.url, self.token = urlsplit(url), token
        self.connection = http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=60)

    def send(self, query, variables):
        body = json.dumps({'query': query, 'variables': variables})
        headers = {'Content-Type': 'application/json', 'Authorization': f'Bearer {self.token}'}
        self.connection.request('POST', self.url.path, body, headers)
        answer = json.loads(self.connection.getresponse().read())
        if 'errors' in answer:
            sys.exit(f'{query}\n{json.dumps(answer["errors"][0])}')
        return answer['data']


def all_of(url, token, field, payload, inputs, fields_per_request=FIELDS_PER_REQUEST):
    """One mutation for each input, over several connections; the payloads in the order of the inputs."""
    results = [None] * len(inputs)
    starts = range(0, len(inputs), fields_per_request)
    chunks = iter([(at, inputs[at:at + fields_per_request]) for at in starts])
    lock = threading.Lock()

    def work():
        client = Client(url, token)
        while True:
            with lock:
                at, chunk = next(chunks, (None, None))
            if chunk is None:
                return
            kind = field[0].upper() + field[1:] + 'Input'
            declared = ', '.join(f'$i{n}: {kind}!' for n in range(len(chunk)))
            fields = ' '.join(f'f{n}: {field}(input: $i{n}) {{ {payload} }}' for n in range(len(chunk)))
            data = client.send(f'mutation({declared}) {{ {fields} }}', {f'i{n}': i for n, i in enumerate(chunk)})
            results[at:at + len(chunk)] = [data[f'f{n}'] for n in range(len(chunk))]

    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if any(result is None for result in results):
        sys.exit(f'{field}: not all were carried out')
    return results


def main():
    options = argparse.ArgumentParser()
    options.add_argument('--url', required=True)
    options.add_argument('--token', required=True)
    options.add_argument('--as', dest='role', choices=['worker', 'supervisor'], default='worker')
    options.add_argument('--task-seconds', type=int, default=4, help='after which a Task that nobody took is canceled')
    options.add_argument('sockets', type=int)
    options = options.parse_args()
    client = Client(options.url, options.token)

    def all_at(field, payload, inputs):
        return all_of(options.url, options.token, field, payload, inputs)

    workspace = client.send('{ workspaces { nodes { id activities { id name } taskChannels { id uniqueName } } } }', {})
    workspace = workspace['workspaces']['nodes'][0]
    of_workspace = {'workspaceId': workspace['id']}
    activities = {activity['name']: activity['id'] for activity in workspace['activities']}
    channel = next(each['id'] for each in workspace['taskChannels'] if each['uniqueName'] == 'default')

    agents, nobody = (made['taskQueue']['id'] for made in all_at('createTaskQueue', 'taskQueue { id }', [
        {**of_workspace, 'name': 'Agents'},
        {**of_workspace, 'name': 'Nobody', 'targetWorkers': ''},
    ]))
    known = {'filters': [{
        'filter_friendly_name': 'Known agent', 'expression': 'worker != null',
        'targets': [{'queue': agents, 'known_worker_sid': 'task.worker'}]}]}
    waiting = {'default_filter': {'queue': nobody}}
    known, waiting = (made['workflow']['id'] for made in all_at('createWorkflow', 'workflow { id }', [
        {**of_workspace, 'name': 'Known agent', 'taskReservationTimeoutSeconds': 120,
         'configuration': {'task_routing': known}},
        {**of_workspace, 'name': 'Waiting', 'configuration': {'task_routing': waiting}},
    ]))
    names = {'workspace': workspace['id'], 'known': known, 'waiting': waiting, 'ttl': options.task_seconds}

    n_sockets = options.sockets
    if options.role == 'supervisor':
        keys = [workspace['id']] * n_sockets
        tokens = [{**of_workspace, 'role': 'SUPERVISOR', 'subject': f'supervisor {n}', 'ttlSeconds': TTL_SECONDS}
                  for n in range(n_sockets)]
    else:
        activity = activities['Available' if n_sockets else 'Offline']
        workers = all_at('createWorker', 'worker { id channels { id taskChannel { id } } }', [
            {**of_workspace, 'name': f'agent {n}', 'activityId': activity,
             'attributes': {'languages': ['en', 'es'], 'routing': {'skills': ['billing', 'spanish']}}}
            for n in range(max(n_sockets, 1))])
        workers = [worker['worker'] for worker in workers]
        all_at('updateWorkerChannel', 'sequence', [
            {'workerChannelId': each['id'], 'configuredCapacity': CAPACITY}
            for worker in workers for each in worker['channels'] if each['taskChannel']['id'] == channel])
        keys = [worker['id'] for worker in workers]
        tokens = [{**of_workspace, 'role': 'WORKER', 'workerId': key, 'ttlSeconds': TTL_SECONDS} for key in keys]
        if not n_sockets:
            names['ttl'] = 3_600
    tokens = all_at('createToken', 'token', tokens)
    for key, token in zip(keys, tokens):
        print(json.dumps({'key': key, 'token': token['token'], 'vars': names}))


if __name__ == '__main__':
    main()
