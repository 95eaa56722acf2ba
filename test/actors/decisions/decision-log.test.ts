import { describe, expect, test } from 'vitest'
import { type Decision, decisionCommand, readDecisions } from '../../../actors/decisions/decision.ts'
import { type Decisions, decisionLog, isRecorded } from '../../../actors/decisions/decision-log.ts'

const context = { index: 1, timeMs: 0, session: 1 }
const decision = (flow: number, phase = 'specification'): Decision => ({
  flowId: `flow-${flow}`,
  by: '<machines.1.5>',
  phase,
  because: 'the flow has begun',
})
const record = (state: Decisions, ...decisions: Decision[]) =>
  decisions.map((each) => isRecorded(decisionLog.apply(state, decisionCommand(each), context)))
const decisionsOf = (state: Decisions, flow: number) =>
  readDecisions(decisionLog.query(state, Buffer.from(`flow-${flow}`))).map(({ phase }) => phase)

describe('the decision log', () => {
  test('answers the decisions of a flow in their order, and of no other', () => {
    const state = decisionLog.init()
    expect(record(state, decision(1), decision(2), decision(1, 'pseudocode'))).toEqual([true, true, true])
    expect(decisionsOf(state, 1)).toEqual(['specification', 'pseudocode'])
    expect(decisionsOf(state, 3)).toEqual([])
  })

  test.each([
    ['no JSON', Buffer.from('{')],
    ['no decision', Buffer.from('{"flowId":"flow-1"}')],
    ['more than a decision', Buffer.from(JSON.stringify({ ...decision(1), more: 1 }))],
  ])('refuses %s, and changes nothing', (_what, bytes) => {
    const state = decisionLog.init()
    expect(isRecorded(decisionLog.apply(state, bytes, context))).toBe(false)
    expect(state.size).toBe(0)
  })

  test('remembers 200 flows and 100 decisions of each, the latest', () => {
    const state = decisionLog.init()
    for (let flow = 0; flow < 201; flow++) record(state, decision(flow))
    expect([state.size, decisionsOf(state, 0), decisionsOf(state, 200)]).toEqual([200, [], ['specification']])
    for (let count = 0; count < 101; count++) record(state, decision(200, `phase ${count}`))
    expect(decisionsOf(state, 200)).toHaveLength(100)
    expect(decisionsOf(state, 200).at(-1)).toBe('phase 100')
  })

  test('a snapshot restores the same state, byte for byte', () => {
    const state = decisionLog.init()
    for (let flow = 0; flow < 205; flow++) record(state, decision(flow), decision(flow, 'pseudocode'))
    const bytes = Buffer.concat([...decisionLog.snapshot(state)])
    const restored = decisionLog.restore(bytes, decisionLog.version)
    expect(Buffer.concat([...decisionLog.snapshot(restored)]).equals(bytes)).toBe(true)
    expect(decisionsOf(restored, 204)).toEqual(['specification', 'pseudocode'])
  })
})
