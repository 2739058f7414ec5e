// Agents' desktops, as many as there are lines in CLIENTS (made by prepare.py): each follows the Reservations of its
// Worker over a WebSocket, while Tasks for them are created over HTTP at a steady rate.
//
// usage: node agents.mjs --url http://127.0.0.1:8080/graphql --token ADMIN --clients CLIENTS [--rate 500] [--seconds 10]
//
// Prints JSON: how long from the moment at which a Task was due to be created until the offer was at its Worker's
// socket, in milliseconds, and how many offers were lost, came twice or came to another socket. Needs Node 20 and the
// npm package `ws`.
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { parseArgs } from 'node:util';
import WebSocket from 'ws';

const { values: options } = parseArgs({ options: {
  url: { type: 'string' }, token: { type: 'string' }, clients: { type: 'string' },
  rate: { type: 'string', default: '500' }, seconds: { type: 'string', default: '10' },
} });
const url = new URL(options.url);
const clients = readFileSync(options.clients, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
const SUBSCRIPTION = `subscription($worker: ID!) {
  reservations(workerId: $worker, types: [RESERVATION_CREATED]) { reservation { id task { attributes } } } }`;
const MUTATION = 'mutation($input: CreateTaskInput!) { createTask(input: $input) { task { id } } }';
const CONNECTING_AT_ONCE = 64;

const due = []; // of each Task, by its number
const received = []; // how often its offer came
const latencies = [];
const failures = { lost: 0, twice: 0, wrongSocket: 0, errors: 0 };
const agent = new Agent({ keepAlive: true, maxSockets: 64 });

function follow(client, at) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://${url.host}/graphql/ws`, 'graphql-transport-ws');
    const send = (message) => socket.send(JSON.stringify(message));
    socket.on('error', reject);
    socket.on('open', () => send({ type: 'connection_init', payload: { authorization: `Bearer ${client.token}` } }));
    socket.on('message', (data) => {
      const message = JSON.parse(data);
      if (message.type === 'connection_ack') {
        send({ id: '1', type: 'subscribe', payload: { query: SUBSCRIPTION, variables: { worker: client.key } } });
      } else if (message.type === 'ping') {
        send({ type: 'pong' });
      } else if (message.type === 'next') {
        const { reservation } = message.payload.data.reservations;
        if (reservation === null) return resolve(); // the snapshot: the stream is live
        const { number, client: meant } = reservation.task.attributes;
        if (meant !== at) failures.wrongSocket += 1;
        else if (received[number]++ > 0) failures.twice += 1;
        else latencies.push(performance.now() - due[number]);
      } else {
        failures.errors += 1;
      }
    });
  });
}

function create(number) {
  const at = number % clients.length;
  const { key, vars } = clients[at];
  const attributes = { worker: key, number, client: at, skills: ['billing', 'spanish'], from: '+15005550006' };
  const input = { workspaceId: vars.workspace, workflowId: vars.known, timeoutSeconds: vars.ttl, attributes };
  const body = JSON.stringify({ query: MUTATION, variables: { input } });
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${options.token}` };
  const sent = request(url, { method: 'POST', agent, headers }, (answer) => {
    let text = '';
    answer.on('data', (chunk) => { text += chunk; });
    answer.on('end', () => { if (answer.statusCode !== 200 || text.includes('"errors"')) failures.errors += 1; });
  });
  sent.on('error', () => { failures.errors += 1; });
  sent.end(body);
}

const pause = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });

const began = performance.now();
for (let from = 0; from < clients.length; from += CONNECTING_AT_ONCE) {
  await Promise.all(clients.slice(from, from + CONNECTING_AT_ONCE).map((each, n) => follow(each, from + n)));
}
const connecting = performance.now() - began;

const gap = 1000 / Number(options.rate);
const start = performance.now();
for (let number = 0; number * gap < Number(options.seconds) * 1000; number += 1) {
  const at = start + number * gap;
  while (performance.now() < at) await pause(Math.max(0, at - performance.now()));
  due[number] = at; // not the moment of sending: who is late must not look fast
  received[number] = 0;
  create(number);
}
await pause(3000);
failures.lost = received.filter((times) => times === 0).length;
latencies.sort((a, b) => a - b);
const percentile = (share) => Number(latencies[Math.floor(share * (latencies.length - 1))]?.toFixed(2));
console.log(JSON.stringify({
  sockets: clients.length, subscribed_per_second: Math.round((1000 * clients.length) / connecting),
  tasks: due.length, p50: percentile(0.5), p99: percentile(0.99), p999: percentile(0.999), failures,
}));
process.exit(Object.values(failures).some((count) => count > 0) ? 1 : 0);
