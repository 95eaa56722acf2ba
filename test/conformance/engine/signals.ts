// Kind "signals": the steps. What the processes do is in signals-site.ts; which sites there are, and how to wait, is the
// caller's: one site in a node of this thread, or two on worker threads, whose processes then alternate.

import type { SignalsScenario, SignalsStep, Term, Trace, TraceEvent } from '../scenario.ts'
import type { Timing } from './stage.ts'

/** An event, and where it stands in its segment: receiver, its own death last, sender, DOWN last, reference. */
export interface Placed {
  readonly event: TraceEvent
  readonly place: readonly [receiver: string, death: number, sender: string, down: number, ref: number]
}

/** What has happened at a site since it was last asked. */
export interface Happened {
  readonly results: readonly TraceEvent[]
  readonly events: readonly Placed[]
}

type Awaitable<T> = T | Promise<T>

/** The processes of one node, as the steps see them. */
export interface SignalsPlace {
  spawn(name: string): Awaitable<void>
  /** Tells a process what to do. False: there is none of that name here that lives. */
  command(step: SignalsStep): Awaitable<boolean>
  /** Has the processes that only read when they are told to read their mailboxes. */
  read(): Awaitable<void>
  /** How long a process pauses that goes on when it is told to, in milliseconds; 0: none does. */
  pausing(): Awaitable<number>
  /** Has it go on. */
  resume(): Awaitable<void>
  take(): Awaitable<Happened>
  /** The names of the processes that live, and the registered names. */
  final(): Awaitable<{ readonly alive: readonly string[]; readonly registered: readonly Term[] }>
}

export async function runSignals(
  scenario: SignalsScenario,
  places: readonly SignalsPlace[],
  timing: Timing,
): Promise<Trace> {
  const all = <T>(ask: (place: SignalsPlace) => Awaitable<T>) => Promise.all(places.map(ask))
  const cascade = async () => {
    await timing.rest()
    await all((place) => place.read())
    await timing.rest()
  }
  const pausing = async () => Math.max(...(await all((place) => place.pausing())))
  const step = async (step: SignalsStep): Promise<readonly TraceEvent[]> => {
    await all((place) => place.take())
    const taken = await all((place) => place.command(step))
    if (!taken.includes(true)) return [['skipped', step.proc]]
    await cascade()
    for (let ms = await pausing(); ms > 0; ms = await pausing()) {
      await timing.pass(ms)
      await cascade()
      await all((place) => place.resume())
      await cascade()
    }
    const happened = await all((place) => place.take())
    const events = happened.flatMap(({ events }) => events).sort(byPlace)
    return [...happened.flatMap(({ results }) => results), ...events.map(({ event }) => event)]
  }
  for (const [i, name] of scenario.procs.entries()) await places[i % places.length]?.spawn(name)
  await timing.settle()
  const trace: (readonly TraceEvent[])[] = [[]]
  for (const each of scenario.steps) trace.push(await step(each))
  const ends = await all((place) => place.final())
  const alive = ends.flatMap(({ alive }) => alive).sort()
  const registered = ends.flatMap(({ registered }) => registered).sort()
  return [
    ...trace,
    [
      ['alive', alive],
      ['registered', registered],
    ],
  ]
}

function byPlace(a: Placed, b: Placed): number {
  for (const [i, x] of a.place.entries()) {
    const y = b.place[i] ?? ''
    if (x !== y) return x < y ? -1 : 1
  }
  return 0
}
