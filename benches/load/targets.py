#!/usr/bin/env python3
"""Prints Switchyard as targets for a load generator: how it is started, prepared and asked, as JSON.

usage: targets.py --program target/release/switchyard [--database-url URL] [--port 4200]

`switchyard` is for cases with agents: each socket follows the Reservations of its own Worker. `switchyard-events` is
for fan-out: each socket is a supervisor who follows the event log.
"""
import argparse
import json
import os
import pathlib
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SIGNING_KEY = 'a secret for load runs and for nothing else'

CREATE = '''mutation Create($input: CreateTaskInput!) { createTask(input: $input) { task { id } } }'''
ATTRIBUTES = {'marker': '{{marker}}', 'skills': ['billing', 'spanish'],
              'customer': {'name': 'Ada Lovelace', 'tier': 'gold'}, 'from': '+15005550006'}
RESERVATIONS = '''subscription Offers($worker: ID!) {
  reservations(workerId: $worker, types: [RESERVATION_CREATED]) { reservation { id task { id attributes } } } }'''
EVENTS = '''subscription Created($workspace: ID!) {
  workspaceEvents(workspaceId: $workspace, filter: {types: [TASK_CREATED]}) { task { id attributes } } }'''
ACCEPT = '''mutation Accept($id: ID!) {
  acceptReservation(input: {reservationId: $id}) { reservation { id status } } }'''
COMPLETE = '''mutation Complete($id: ID!) { completeTask(input: {taskId: $id}) { task { id status } } }'''


def create(workflow, attributes):
    created = {'workspaceId': '{{vars.workspace}}', 'workflowId': workflow, 'attributes': attributes}
    # The time to live is a number, and the hole for it no string.
    return json.dumps({'input': {**created, 'timeoutSeconds': 'TTL'}}).replace('"TTL"', '{{vars.ttl}}')


def main():
    options = argparse.ArgumentParser()
    options.add_argument('--program', required=True)
    options.add_argument('--database-url', default=f'sqlite://{tempfile.gettempdir()}/switchyard-load.db')
    options.add_argument('--port', type=int, default=4200)
    options.add_argument('--name', default='switchyard')
    options = options.parse_args()
    program, url = os.path.abspath(options.program), options.database_url
    if url.startswith('sqlite://'):
        path = url.removeprefix('sqlite://')
        before = f'rm -f {path}*'
    else:
        server, name = url.rsplit('/', 1)
        before = f'psql -q {server}/postgres -c "DROP DATABASE IF EXISTS {name}" -c "CREATE DATABASE {name}"'
    env = {'DATABASE_URL': url, 'SWITCHYARD_SIGNING_KEY': SIGNING_KEY, 'SWITCHYARD_LOG': 'warn'}
    token = subprocess.run([program, 'token', '--role', 'admin', '--ttl', '365d'], env={**os.environ, **env},
                           check=True, capture_output=True, text=True).stdout.strip()
    address = '127.0.0.1:{port}'
    prepare = f'python3 {HERE}/prepare.py --url http://{address}/graphql --token {token}'
    common = {
        'port': options.port, 'before': before, 'start': [program, '--listen', address], 'env': env,
        'http': f'http://{address}/graphql', 'ws': f'ws://{address}/graphql/ws', 'token': token,
    }
    offered = {
        'subscription': RESERVATIONS, 'subscription_vars': '{"worker": "{{key}}"}',
        'mutation': CREATE, 'mutation_vars': create('{{vars.known}}', {**ATTRIBUTES, 'worker': '{{key}}'}),
    }
    agents = {**common, 'name': options.name, 'prepare': prepare, 'skip': ['fanout', 'fanout-rate'], 'docs': {
        'query': {'mutation': '{ viewer { role } }', 'mutation_vars': '{}'},
        'targeted': offered,
        'lifecycle': {
            **offered, 'extract': ['reservation="reservation":{"id":"', 'task="task":{"id":"'],
            'steps': [{'doc': ACCEPT, 'vars': '{"id": "{{reservation}}"}'},
                      {'doc': COMPLETE, 'vars': '{"id": "{{task}}"}'}],
        },
    }}
    not_fanout = ['query', 'mutation', 'connect', 'targeted', 'targeted-rate', 'lifecycle']
    events = {**common, 'name': f'{options.name}-events', 'port': options.port + 1,
              'prepare': f'{prepare} --as supervisor', 'skip': not_fanout, 'docs': {'fanout': {
                  'subscription': EVENTS, 'subscription_vars': '{"workspace": "{{key}}"}',
                  'mutation': CREATE, 'mutation_vars': create('{{vars.waiting}}', ATTRIBUTES),
              }}}
    events['docs']['targeted'] = offered
    print(json.dumps({'docs': {}, 'targets': [agents, events]}, indent=2))


if __name__ == '__main__':
    main()
