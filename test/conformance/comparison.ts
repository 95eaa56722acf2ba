// One scenario on real Erlang and on an engine. Erlang runs it at least twice, the second time with jitter and with
// independent processes shuffled: a scenario that Erlang itself does not always answer alike judges nobody.

import type { Engine } from './contract.ts'
import type { Oracle } from './erlang/oracle.ts'
import type { Scenario, Trace } from './scenario.ts'

export type Verdict =
  | { readonly kind: 'same' }
  | {
      readonly kind: 'different'
      /** What was compared in the end: the scenario, or the part of it that makes sense. */
      readonly scenario: Scenario
      readonly expected: Trace
      readonly actual: Trace | Error
    }
  /** Not fit to judge by, and why. */
  | { readonly kind: 'left out'; readonly why: string }

const jitterMs = 10
/** Further runs of Erlang before a difference is believed. */
const confirmations = 3

export async function compare(scenario: Scenario, oracle: Oracle, engine: Engine): Promise<Verdict> {
  const first = await oracle.onTime(scenario).catch(asError)
  if (!(first instanceof Error) && first.flags.includes('unknown_name') && scenario.kind === 'signals') {
    // A name that was never given, because who was to give it was dead: what comes before is worth comparing.
    const steps = scenario.steps.slice(0, first.trace.length - 2)
    if (steps.length < scenario.steps.length) return compare({ ...scenario, steps }, oracle, engine)
  }
  if (first instanceof Error) return { kind: 'left out', why: `Erlang: ${first.message.slice(0, 60)}` }
  const unfit = first.flags[0] ?? strayIn(first.trace) ?? early(scenario, first.trace)
  if (unfit !== undefined) return { kind: 'left out', why: unfit }
  const expected = JSON.stringify(first.trace)
  const agrees = async (scale: number): Promise<boolean> => {
    const again = await oracle.onTime(scenario, { scale, jitterMs }).catch(asError)
    return !(again instanceof Error) && JSON.stringify(again.trace) === expected
  }
  if (!(await agrees(1))) return { kind: 'left out', why: 'Erlang disagrees with itself' }
  const actual = await engine.run(scenario).catch(asError)
  if (!(actual instanceof Error) && JSON.stringify(actual) === expected) return { kind: 'same' }
  for (let i = 0; i < confirmations; i++) {
    if (!(await agrees(2))) return { kind: 'left out', why: 'Erlang disagrees with itself' }
  }
  return { kind: 'different', scenario, expected: first.trace, actual }
}

/** What shows the two OTP bugs that NOTES.md names: a raw time-out message in a callback, a stray reply. */
function strayIn(trace: Trace): string | undefined {
  for (const [kind, , , content] of trace.flat()) {
    if (kind === 'stray') return 'stray'
    if (kind === 'cb' && JSON.stringify(content ?? '').includes('"<ref>"')) return 'raw time-out'
  }
  return undefined
}

/**
 * Monitoring is asynchronous (erlang(3), monitor/2): one that fires at once may or may not be among the monitors that the
 * same batch asks for. Which it is depends in Erlang on what the batch does in between.
 */
function early(scenario: Scenario, trace: Trace): string | undefined {
  if (scenario.kind !== 'signals') return undefined
  const racing = scenario.steps.some((step, i) => {
    if (step.op !== 'batch') return false
    const set = step.ops.findIndex(({ op }) => op === 'monitor')
    const asked = step.ops.findLastIndex(({ op }) => op === 'monitors')
    const fired = trace[i + 1]?.some(
      ([kind, to, message]) =>
        kind === 'recv' && to === step.proc && JSON.stringify(message).startsWith('{"t":["DOWN"'),
    )
    return set >= 0 && set < asked && fired === true
  })
  return racing ? 'a monitor that fires in its batch' : undefined
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
