import { createNode, defineHandleEvent, statem } from 'espalier'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const STATES = ['a', 'b', 'c'] as const
const TIMEOUTS = ['state_timeout', 'event_timeout', 'g', 'h'] as const
type Timeout = (typeof TIMEOUTS)[number]

type Wish = { insert: number } | { start: Timeout; content: number } | { cancel: Timeout }

/** What a machine does with its event of this content in this state, the first so many times. */
interface Rule {
  readonly state: string
  readonly content: number
  readonly times: number
  readonly to: string | null
  readonly postpone: boolean
  readonly wishes: readonly Wish[]
}

const content = fc.integer({ min: 0, max: 3 })
const timeout = fc.constantFrom(...TIMEOUTS)
const wish: fc.Arbitrary<Wish> = fc.oneof(
  fc.record({ insert: content }),
  fc.record({ start: timeout, content }),
  fc.record({ cancel: timeout }),
)
const rule: fc.Arbitrary<Rule> = fc.record({
  state: fc.constantFrom(...STATES),
  content,
  times: fc.integer({ min: 1, max: 2 }),
  to: fc.option(fc.constantFrom(...STATES)),
  postpone: fc.boolean(),
  wishes: fc.array(wish, { maxLength: 4 }),
})
const rules = fc.array(rule, { minLength: 3, maxLength: 16 })
const casts = fc.array(content, { minLength: 1, maxLength: 6 })

/** Finds the rule for an event and uses it up. */
function pick(left: Map<Rule, number>, state: string, what: number): Rule | undefined {
  for (const [candidate, times] of left) {
    if (candidate.state !== state || candidate.content !== what || times === 0) continue
    left.set(candidate, times - 1)
    return candidate
  }
  return undefined
}

const counted = (list: readonly Rule[]) => new Map(list.map((one) => [one, one.times]))

interface Waiting {
  readonly type: string
  readonly content: number
}

/** The order of events as the manual of gen_statem tells it, in plain lists. `broken` gets one rule wrong. */
function model(list: readonly Rule[], sent: readonly number[], broken?: 'order' | 'retry' | 'cancel'): string[] {
  const left = counted(list)
  const mailbox = sent.map((one): Waiting => ({ type: 'cast', content: one }))
  const trace: string[] = []
  let state = 'a'
  let queue: Waiting[] = []
  let postponed: Waiting[] = []
  let zeros: Waiting[] = []
  for (;;) {
    const event = queue.shift() ?? zeros.shift() ?? mailbox.shift()
    if (event === undefined) return trace
    trace.push(`${state} ${event.type} ${event.content}`)
    const found = pick(left, state, event.content)
    if (found?.postpone) postponed = [...postponed, event]
    zeros = zeros.filter((one) => one.type !== 'event_timeout' || broken === 'cancel')
    if (found === undefined) continue
    if (found.to !== null && found.to !== state) {
      state = found.to
      queue = [...(broken === 'retry' ? postponed.reverse() : postponed), ...queue]
      postponed = []
      zeros = zeros.filter((one) => one.type !== 'state_timeout')
    }
    const inserted = found.wishes.flatMap((one) => ('insert' in one ? [{ type: 'internal', content: one.insert }] : []))
    queue = broken === 'order' ? [...queue, ...inserted] : [...inserted, ...queue]
    for (const one of found.wishes) {
      if ('insert' in one) continue
      const type = 'start' in one ? one.start : one.cancel
      zeros = zeros.filter((other) => other.type !== type)
      if ('start' in one) zeros = [...zeros, { type, content: one.content }]
    }
  }
}

const type = (name: Timeout) => (name === 'g' || name === 'h' ? { timeout: name } : name)

function action(one: Wish): statem.Action {
  if ('insert' in one) return statem.nextEvent('internal', one.insert)
  if ('cancel' in one) return statem.cancel(type(one.cancel))
  if (one.start === 'state_timeout') return statem.stateTimeout(0, one.content)
  if (one.start === 'event_timeout') return statem.eventTimeout(0, one.content)
  return statem.timeout(one.start, 0, one.content)
}

/** What a real machine handles, in order. */
async function machine(list: readonly Rule[], sent: readonly number[]): Promise<string[]> {
  const left = counted(list)
  const trace: string[] = []
  const Subject = defineHandleEvent({
    init: () => statem.initial<string, null>('a', null),
    handleEvent: ({ state }, event) => {
      const what = Number(event.content)
      trace.push(`${state} ${event.type === 'timeout' ? event.tag : event.type} ${what}`)
      const found = pick(left, state, what)
      if (found === undefined) return statem.keepStateAndData()
      const actions = found.wishes.map(action)
      return statem.next(found.to ?? state, null, ...(found.postpone ? [statem.postpone()] : []), ...actions)
    },
  })
  const node = createNode()
  const subject = await node.start(Subject)
  for (const one of sent) subject.cast('do', one)
  await node.idle()
  await node.stop()
  return trace
}

test("gen_statem's queue discipline, against an independent, deliberately simple model written from the manual", async () => {
  await fc.assert(
    fc.asyncProperty(rules, casts, async (list, sent) => {
      expect(await machine(list, sent)).toEqual(model(list, sent))
    }),
    { numRuns: 300 },
  )
})

test.each(['order', 'retry', 'cancel'] as const)('a model with another rule of %s is told apart', async (broken) => {
  const check = fc.asyncProperty(rules, casts, async (list, sent) => {
    expect(await machine(list, sent)).toEqual(model(list, sent, broken))
  })
  const { failed } = await fc.check(check, { seed: 1, numRuns: 2000, endOnFailure: true })
  expect(failed).toBe(true)
})
