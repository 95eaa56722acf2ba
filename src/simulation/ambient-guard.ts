// Keeps the real world out of a simulated one. While code runs on behalf of a world (and in whatever it awaits) every
// ambient call throws; the same functions go on working for everyone else in the process: the test runner, a server
// next door, another guard's world. An AsyncLocalStorage tells who is asking.
//
// Installed once per process, however many guards there are, and taken out with the last. Known limits: a function that
// was copied to a variable before the guard was installed is out of reach, and so is what native addons do.

import { AsyncLocalStorage } from 'node:async_hooks'
import { syncBuiltinESMExports } from 'node:module'
import { EspalierError } from '../kernel/errors.ts'
import { adviceFor, ambientCalls } from './ambient-calls.ts'

/** Code of a simulated world touched the real one. */
export class AmbientError extends EspalierError {
  /** What was called: `Date.now`, `setTimeout`, `fs.readFileSync` … */
  readonly call: string

  constructor(call: string) {
    super('ERR_AMBIENT', `${call} was called in a simulated world: ${adviceFor(call)}`)
    this.call = call
  }
}

export interface AmbientGuardOptions {
  /** Calls to let through, by the names that errors print. For showing what the guard is good for. Default: none. */
  readonly except?: readonly string[]
}

/** A guard is in force from its making until {@link remove}, and only for what runs inside {@link run}. */
export class AmbientGuard {
  readonly #except: ReadonlySet<string>
  #isInstalled = true

  constructor(options: AmbientGuardOptions = {}) {
    this.#except = new Set(options.except)
    if (guards++ === 0) install()
  }

  /** Runs `act`: ambient calls in it, and in what it awaits or schedules, throw an {@link AmbientError}. */
  run<Result>(act: () => Result): Result {
    const guard = this.#isInstalled ? this : undefined
    return inside.getStore() === guard ? act() : inside.run(guard, act)
  }

  /** Runs `act` in the real world, also within {@link run}: for the simulator's own needs. */
  outside<Result>(act: () => Result): Result {
    return inside.run(undefined, act)
  }

  /** Ends the guard. With the last one, every function is put back as it was. Idempotent. */
  remove(): void {
    if (!this.#isInstalled) return
    this.#isInstalled = false
    if (--guards === 0) uninstall()
  }

  /** @internal */
  forbids(call: string): boolean {
    return this.#isInstalled && !this.#except.has(call)
  }
}

const inside = new AsyncLocalStorage<AmbientGuard | undefined>()
let guards = 0

interface Replaced {
  readonly holder: object
  readonly key: string
  readonly before: PropertyDescriptor
  readonly now: unknown
}

let replaced: Replaced[] = []

function install(): void {
  // A first line written to the console opens the stream with functions that are about to be guarded.
  void process.stdout
  void process.stderr
  for (const { holder, key, name } of ambientCalls()) replace(holder, key, (original) => guarded(original, name))
  replace(globalThis, 'Date', guardedDate)
  syncBuiltinESMExports()
}

/** Puts everything back, except where someone else has replaced our function by theirs in the meantime. */
function uninstall(): void {
  for (const { holder, key, before, now } of replaced.reverse()) {
    const current = Object.getOwnPropertyDescriptor(holder, key)
    if (current?.value === now) Object.defineProperty(holder, key, before)
  }
  replaced = []
  syncBuiltinESMExports()
}

function replace(holder: object, key: string, wrap: (original: object) => object): void {
  const before = Object.getOwnPropertyDescriptor(holder, key)
  if (before === undefined || typeof before.value !== 'function') return
  const now = wrap(before.value)
  Object.defineProperty(holder, key, { ...before, value: now })
  replaced.push({ holder, key, before, now })
}

function forbid(name: string): void {
  if (inside.getStore()?.forbids(name) === true) throw new AmbientError(name)
}

/** A proxy, so that the function keeps its name and its properties (`process.hrtime.bigint`, `promisify.custom`). */
function guarded(original: object, name: string): object {
  return new Proxy(original, {
    apply(target, self, args) {
      forbid(name)
      return Reflect.apply(target as () => unknown, self, args)
    },
    construct(target, args, newTarget) {
      forbid(`new ${name}`)
      return Reflect.construct(target as new () => object, args, newTarget)
    },
  })
}

/** `new Date()` and `Date()` tell the time; `new Date(0)` does not. */
function guardedDate(original: object): object {
  return new Proxy(original, {
    apply(target, self, args) {
      forbid('Date')
      return Reflect.apply(target as () => unknown, self, args)
    },
    construct(target, args, newTarget) {
      if (args.length === 0) forbid('new Date')
      return Reflect.construct(target as new () => object, args, newTarget)
    },
  })
}
