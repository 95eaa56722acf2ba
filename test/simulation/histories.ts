// Histories for the tests of the checker and its picture: hand-made ones, and a simulated register map that answers
// correctly (or, asked to, with a planted mistake).

import {
  HistoryRecorder,
  type Operation,
  type RegisterInput,
  type RegisterOutput,
  registerMap,
  SeededRandom,
} from '../../src/simulation/index.ts'

export type RegisterOperation = Operation<RegisterInput, RegisterOutput>

/** `span(client, called, answeredAt, input, output)`: answeredAt Infinity means the outcome is unknown. */
export function span(
  client: string,
  called: number,
  answeredAt: number,
  input: RegisterInput,
  output: RegisterOutput = 'ok',
): RegisterOperation {
  const operation = { client, input, called, calledMs: called }
  if (answeredAt === Number.POSITIVE_INFINITY) return operation
  return { ...operation, answer: { at: answeredAt, output }, answeredMs: answeredAt }
}

export const put = (value: number | string, key = 'k'): RegisterInput => ({ op: 'put', key, value })
export const get = (key = 'k'): RegisterInput => ({ op: 'get', key })
export const cas = (expected: number | string | null, value: number | string, key = 'k'): RegisterInput => ({
  op: 'cas',
  key,
  expected,
  value,
})

export interface Traffic {
  readonly seed: number
  readonly operations: number
  readonly clients: number
  readonly keys: number
  /** Of 100 operations, how many never answer (half of them take effect, at some time). */
  readonly unknownPercent: number
  /** Whether one answered get, past the middle, is given a value from before. */
  readonly staleRead?: boolean
}

interface Pending {
  readonly call: number
  readonly input: RegisterInput
  readonly lost: boolean
  output?: RegisterOutput
}

/** What concurrent clients of a correct register map see: each operation takes effect once between call and answer. */
export function recordTraffic(traffic: Traffic): readonly RegisterOperation[] {
  const random = new SeededRandom(traffic.seed)
  const recorder = new HistoryRecorder<RegisterInput, RegisterOutput>()
  const store = new Map<string, RegisterOutput>()
  const busy = new Map<string, Pending>()
  const adrift: Pending[] = []
  let made = 0
  let stale = traffic.staleRead === true
  const takeEffect = (pending: Pending) => {
    const { key } = pending.input
    const due = registerMap.apply(store.get(key) ?? null, pending.input)
    store.set(key, due.state)
    pending.output = due.output
  }
  while (made < traffic.operations || busy.size > 0) {
    const late = random.chance(1, 50) ? adrift.pop() : undefined
    if (late !== undefined) takeEffect(late)
    const client = `c${random.below(traffic.clients)}`
    const pending = busy.get(client)
    if (pending === undefined) {
      if (made === traffic.operations) continue
      const input = randomInput(random, `key${random.below(traffic.keys)}`, made++)
      busy.set(client, {
        call: recorder.call(client, input, made),
        input,
        lost: random.chance(traffic.unknownPercent, 100),
      })
    } else if (pending.lost) {
      if (random.chance(1, 2)) adrift.push(pending)
      busy.delete(client)
    } else if (pending.output === undefined) takeEffect(pending)
    else {
      const lie = stale && pending.input.op === 'get' && made > traffic.operations / 2 && pending.output !== null
      if (lie) stale = false
      recorder.answer(pending.call, lie ? null : pending.output, made)
      busy.delete(client)
    }
  }
  return recorder.operations()
}

function randomInput(random: SeededRandom, key: string, value: number): RegisterInput {
  const draw = random.below(10)
  if (draw < 5) return { op: 'put', key, value }
  if (draw < 9) return { op: 'get', key }
  return { op: 'cas', key, expected: random.below(value + 1), value }
}
