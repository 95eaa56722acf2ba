// The list of what a simulated world must not touch: every call whose answer, or whose moment of answering, the seed
// does not decide. Only the list; ambient-guard.ts does something about it.

import childProcess from 'node:child_process'
import crypto from 'node:crypto'
import dgram from 'node:dgram'
import dns from 'node:dns'
import dnsPromises from 'node:dns/promises'
import fs from 'node:fs'
import fsPromises from 'node:fs/promises'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import net from 'node:net'
import { performance } from 'node:perf_hooks'
import timers from 'node:timers'
import timersPromises from 'node:timers/promises'
import tls from 'node:tls'
import threads from 'node:worker_threads'

/** One function: the object that owns it, its key there, and its name in messages. */
export interface AmbientCall {
  readonly holder: object
  readonly key: string
  readonly name: string
}

const TIME = 'take the Clock port'
const CHANCE = 'take the Random or the Secrets port'
const WORLD = 'take a port for it'

/** What to do instead, by the first matching beginning of a call's name. */
const ADVICE: readonly (readonly [beginning: string, advice: string])[] = [
  ...['set', 'timers', 'Date', 'new Date', 'performance', 'process.', 'AbortSignal'].map(
    (name) => [name, TIME] as const,
  ),
  ['Math', CHANCE],
  ['crypto', CHANCE],
  ['WeakRef', 'release what you hold explicitly'],
  ['FinalizationRegistry', 'release what you hold explicitly'],
]

/** What a simulated process should do instead of the call `name`. */
export function adviceFor(name: string): string {
  return ADVICE.find(([beginning]) => name.startsWith(beginning))?.[1] ?? WORLD
}

/** Every ambient call but the constructor of `Date`, which needs a hand of its own. */
export function ambientCalls(): AmbientCall[] {
  const timerNames = ['setTimeout', 'setInterval', 'setImmediate']
  return [
    ...pick('', globalThis, [...timerNames, 'fetch']),
    ...pick('timers.', timers, timerNames),
    ...pick('timers/promises.', timersPromises, timerNames),
    ...pick('timers/promises.scheduler.', timersPromises.scheduler, ['wait', 'yield']),
    ...pick('Date.', Date, ['now']),
    ...pick('performance.', performance, ['now']),
    ...pick('process.', process, ['hrtime', 'uptime']),
    ...pick('process.hrtime.', process.hrtime, ['bigint']),
    ...pick('AbortSignal.', AbortSignal, ['timeout']),
    ...pick('Atomics.', Atomics, ['wait', 'waitAsync']),
    ...pick('Math.', Math, ['random']),
    ...pick('crypto.', globalThis.crypto, ['getRandomValues', 'randomUUID']),
    ...pick('crypto.subtle.', globalThis.crypto.subtle, ['generateKey']),
    ...pick(
      'crypto.',
      crypto,
      functionsOf(crypto).filter((key) => /^(random|generate|pseudoRandom)/.test(key)),
    ),
    ...pick('WeakRef.', WeakRef.prototype, ['deref']),
    ...pick('FinalizationRegistry.', FinalizationRegistry.prototype, ['register']),
    ...pick('fs.', fs, functionsOf(fs)),
    ...pick('fs/promises.', fsPromises, functionsOf(fsPromises)),
    ...pick('child_process.', childProcess, functionsOf(childProcess)),
    ...pick('worker_threads.', threads, ['Worker']),
    ...pick('net.', net, ['connect', 'createConnection']),
    ...pick('net.Socket.', net.Socket.prototype, ['connect']),
    ...pick('net.Server.', net.Server.prototype, ['listen']),
    ...pick('tls.', tls, ['connect']),
    ...pick('dgram.', dgram, ['createSocket']),
    ...pick('dns.', dns, functionsOf(dns)),
    ...pick('dns/promises.', dnsPromises, functionsOf(dnsPromises)),
    ...pick('http.', http, ['request', 'get']),
    ...pick('https.', https, ['request', 'get']),
    ...pick('http2.', http2, ['connect']),
  ]
}

/** The functions among `keys`, each with the object that owns it: some are inherited. A platform may lack some. */
function pick(prefix: string, object: object, keys: readonly string[]): AmbientCall[] {
  return keys.flatMap((key) => {
    let holder: object | null = object
    while (holder !== null && !Object.hasOwn(holder, key)) holder = Object.getPrototypeOf(holder)
    return holder === null ? [] : [{ holder, key, name: `${prefix}${key}` }]
  })
}

/** Exported functions that are no classes (those begin with a capital) and not private to Node. */
function functionsOf(module: object): string[] {
  const exported = Object.entries(Object.getOwnPropertyDescriptors(module))
  return exported.flatMap(([key, { value }]) => (typeof value === 'function' && /^[a-z]/.test(key) ? [key] : []))
}
