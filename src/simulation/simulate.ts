// One simulated run from a seed, and what a person needs when it fails: the seed, the least faults that still do it, and
// the last events. The same seed runs the same, so the report is all one has to keep.

import { EspalierError } from '../kernel/errors.ts'
import { AmbientError, AmbientGuard, type AmbientGuardOptions } from './ambient-guard.ts'
import { type Fault, shrinkList, stepsOf } from './faults.ts'
import { World, type WorldOptions } from './world.ts'
import { WorldFailure } from './world-failure.ts'
import { drawEvents, type TraceEvent } from './world-trace.ts'

const MAX_COLUMNS = 5

/** What is to happen: creates nodes, says what must hold, and steps the world. */
export type Scenario = (world: World) => void | PromiseLike<void>

export interface SimulateOptions extends Omit<WorldOptions, 'seed' | 'guard' | 'strict' | 'faults'> {
  /** These faults instead of those the seed draws in `world.storm`. */
  readonly faults?: readonly Fault[]
  /** How many runs may be spent on finding the least faults that fail alike. Default 200; 0 shows all of them. */
  readonly maxShrinks?: number
  /** What of the real world is let through. Default: nothing. */
  readonly ambient?: AmbientGuardOptions
}

/** A run that went well. */
export interface Run {
  readonly seed: number
  readonly events: number
  readonly virtualMs: number
  /** Covers every event with its payload. */
  readonly hash: string
  /** The faults there were. */
  readonly faults: readonly Fault[]
}

/** A run that failed. */
export interface FailedRun extends Run {
  readonly failure: WorldFailure
  readonly nodes: readonly string[]
  /** The last events, oldest first. */
  readonly last: readonly TraceEvent[]
}

/** A simulation failed: the message holds the seed, the least faults and the last events. */
export class SimulationError extends EspalierError {
  // Private, so that a console that prints the error does not print it all over again.
  readonly #run: FailedRun

  constructor(run: FailedRun, drawn: number) {
    super('ERR_SIMULATION', reportOf(run, drawn))
    this.#run = run
  }

  /** The run, with the least faults that fail alike. */
  get run(): FailedRun {
    return this.#run
  }
}

/**
 * Runs `scenario` in a world of its own, all of whose chances `seed` decides. The real world is out of reach meanwhile,
 * and a handler that awaits what nothing brings fails the run. Rejects with a {@link SimulationError} that tells how to
 * see it again.
 */
export async function simulate(seed: number, scenario: Scenario, options: SimulateOptions = {}): Promise<Run> {
  const run = await runOnce(seed, scenario, options)
  if (!('failure' in run)) return run
  const { failure, faults } = run
  const { onEvent: _silent, ...quiet } = options
  const fails = async (fewer: readonly Fault[]) => {
    const again = await runOnce(seed, scenario, { ...quiet, faults: fewer })
    return 'failure' in again && again.failure.kind === failure.kind && again.failure.rule === failure.rule
  }
  const least = await shrinkList(faults, fails, options.maxShrinks ?? 200)
  if (least.length === faults.length) throw new SimulationError(run, faults.length)
  const shrunk = await runOnce(seed, scenario, { ...quiet, faults: least })
  throw new SimulationError('failure' in shrunk ? shrunk : run, faults.length)
}

/** One run, without shrinking; a failure is part of the answer. */
export async function runOnce(
  seed: number,
  scenario: Scenario,
  options: SimulateOptions = {},
): Promise<Run | FailedRun> {
  const { ambient, maxShrinks: _unused, ...worldOptions } = options
  const guard = new AmbientGuard(ambient)
  const world = new World({ ...worldOptions, seed, guard, strict: true })
  let failure: WorldFailure | undefined
  try {
    await guard.run(() => scenario(world))
  } catch (error) {
    failure = world.failure ?? failureOf(error, world.time.nowUs)
  } finally {
    guard.remove()
  }
  failure = world.failure ?? failure
  const { events, hash, faults, trace } = world
  const run: Run = { seed, events, virtualMs: world.time.nowMs, hash, faults }
  return failure === undefined ? run : { ...run, failure, nodes: world.nodeNames, last: trace.last() }
}

function failureOf(error: unknown, atUs: number): WorldFailure {
  if (error instanceof WorldFailure) return error
  const why = error instanceof Error ? error.message : String(error)
  if (error instanceof AmbientError) return new WorldFailure('ambient', error.call, why, atUs, { cause: error })
  return new WorldFailure('scenario', error instanceof Error ? error.name : 'throw', why, atUs, { cause: error })
}

function reportOf(run: FailedRun, drawn: number): string {
  const { seed, failure, events, hash, faults } = run
  const steps = stepsOf(faults).map((step) => `  ${JSON.stringify(step)}`)
  const counted = drawn === faults.length ? `${drawn}` : `${faults.length} of ${drawn}`
  return [
    `seed ${seed}: ${failure.message}`,
    `${events} events, hash ${hash}`,
    `faults needed: ${counted}`,
    ...steps,
    `the last ${run.last.length} events:`,
    ...drawEvents(run.last, columnsOf(run)),
  ].join('\n')
}

/** The nodes that the last events happened to, as many as fit beside each other. */
function columnsOf({ nodes, last }: FailedRun): string[] {
  return nodes.filter((name) => last.some(({ node }) => node === name)).slice(0, MAX_COLUMNS)
}
