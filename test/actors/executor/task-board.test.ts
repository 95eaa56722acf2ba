import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AttemptOutcome, maxAttempts, TaskBoard } from '../../../actors/executor/task-board.ts'
import type { Plan, PlannedTask } from '../../../actors/planner/plan.ts'

const output = { digest: '00'.repeat(32), bytes: 0, dropped: 0 }

function taskOf(id: string, dependsOn: readonly string[] = []): PlannedTask {
  return { id, role: 'r', agent: 'a', dependsOn, priority: 0, timeoutMs: 1000, wave: 0, startMs: 0, endMs: 1 }
}
function planOf(parallel: number, ...tasks: readonly PlannedTask[]): Plan {
  return { tasks, parallel, criticalPath: [], cost: { totalMs: 0, criticalPathMs: 0, makespanMs: 0 } }
}
const ids = (tasks: readonly PlannedTask[]) => tasks.map((task) => task.id)
const outcomes = (board: TaskBoard) => Object.fromEntries(board.records().map((task) => [task.id, task.outcome]))

describe('a board', () => {
  const chain = planOf(2, taskOf('a'), taskOf('b', ['a']), taskOf('c', ['b']), taskOf('d'))

  test('offers what is ready, in the order of the plan, as far as there is room', () => {
    const board = new TaskBoard(planOf(2, taskOf('a'), taskOf('b'), taskOf('c'), taskOf('d', ['a'])), 0)
    expect(ids(board.ready())).toEqual(['a', 'b'])
    board.begin('a', 0)
    expect(ids(board.ready())).toEqual(['b'])
    board.begin('b', 0)
    expect(ids(board.ready())).toEqual([])
    board.end('a', 'succeeded', '', output, 5)
    expect(ids(board.ready())).toEqual(['c'])
  })

  test('skips everything behind a task that fails, and names it', () => {
    const board = new TaskBoard(chain, 0)
    board.begin('a', 0)
    const end = board.end('a', 'timed_out', 'too slow', output, 5)
    expect(ids(end.dropped)).toEqual(['b', 'c'])
    expect(outcomes(board)).toEqual({ a: 'timed_out', b: 'skipped', c: 'skipped', d: 'stopped' })
    expect(ids(board.ready())).toEqual(['d'])
    board.begin('d', 5)
    board.end('d', 'succeeded', '', output, 6)
    expect([board.finished, board.outcome()]).toEqual([true, 'failed'])
  })

  test('counts the time of an attempt from when its agent began it', () => {
    const board = new TaskBoard(chain, 100)
    board.begin('a', 110)
    board.began('a', 150)
    expect(board.end('a', 'succeeded', '', output, 175).durationMs).toBe(25)
    expect(board.records()[0]?.attempts).toEqual([
      { agent: 'a', startMs: 50, durationMs: 25, outcome: 'succeeded', reason: '', output },
    ])
  })

  test('begins a task again when its agent is lost under it, three times in all', () => {
    const board = new TaskBoard(chain, 0)
    for (const attempt of [1, 2]) {
      board.begin('a', 0)
      expect(board.attempt('a')).toBe(attempt)
      expect(board.lost('a', 'killed', output, 1)).toBeUndefined()
    }
    board.begin('a', 0)
    expect(board.lost('a', 'killed', output, 1)).toMatchObject({ outcome: 'failed' })
    expect(board.records()[0]).toMatchObject({ outcome: 'failed', attempts: [{}, {}, { reason: 'killed' }] })
  })

  test('begins nothing once stopped, not even what is lost then', () => {
    const board = new TaskBoard(chain, 0)
    board.begin('a', 0)
    expect(ids(board.stop())).toEqual(['b', 'c', 'd'])
    expect(board.finished).toBe(false)
    expect(board.lost('a', 'killed', output, 1)).toMatchObject({ outcome: 'stopped', dropped: [] })
    expect([board.finished, board.outcome(), ids(board.ready())]).toEqual([true, 'stopped', []])
  })

  test('red: refuses what cannot be', () => {
    const board = new TaskBoard(chain, 0)
    expect(() => board.begin('b', 0)).toThrow('b is not ready')
    expect(() => board.end('a', 'succeeded', '', output, 0)).toThrow('a does not run')
    expect(() => board.lost('nobody', '', output, 0)).toThrow('no task "nobody"')
  })
})

const plans = fc.integer({ min: 1, max: 8 }).chain((size) =>
  fc.record({
    parallel: fc.integer({ min: 1, max: 4 }),
    // Each task depends on some of those before it.
    needs: fc.tuple(
      ...Array.from({ length: size }, (_, at) =>
        fc.subarray(Array.from({ length: at }, (_, index) => index)).map((before) => before.map((n) => `t${n}`)),
      ),
    ),
  }),
)
type Step = { readonly kind: 'begin' | 'lost' | 'stop' | AttemptOutcome; readonly pick: number }
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    kind: fc.constantFrom('begin', 'begin', 'begin', 'succeeded', 'succeeded', 'failed', 'timed_out', 'lost', 'stop'),
    pick: fc.nat(),
  }),
  { maxLength: 60 },
)

/** Plays steps, then runs what is left to its end; after each step, what the board's first lines promise must hold. */
function play(board: TaskBoard, plan: Plan, script: readonly Step[]): void {
  const dependsOn = new Map(plan.tasks.map((task) => [task.id, task.dependsOn]))
  const ended = new Map<string, string>()
  let stopped = false
  const look = () => {
    const now = outcomes(board)
    const running = ids(board.running)
    if (running.length > plan.parallel) throw new Error('width')
    for (const id of [...running, ...ids(board.ready())])
      if (dependsOn.get(id)?.some((needed) => now[needed] !== 'succeeded')) throw new Error('dependencies')
    for (const [id, outcome] of ended) if (now[id] !== outcome) throw new Error('one outcome')
    for (const record of board.records()) {
      if (record.attempts.length > maxAttempts) throw new Error('attempts')
      if (board.finished && record.outcome === 'skipped') {
        const behind = dependsOn.get(record.id)?.some((id) => !['succeeded', 'stopped'].includes(now[id] ?? ''))
        if (record.attempts.length > 0 || behind !== true) throw new Error('skipping')
      }
      if (board.finished && record.outcome === 'stopped' && !stopped) throw new Error('skipping')
    }
  }
  const step = ({ kind, pick }: Step) => {
    const ready = board.ready()
    const running = board.running
    const task = (kind === 'begin' ? ready : running).at(
      pick % Math.max(1, (kind === 'begin' ? ready : running).length),
    )
    if (kind === 'stop') {
      for (const { id } of board.stop()) ended.set(id, 'stopped')
      stopped = true
    } else if (task === undefined) return
    else if (kind === 'begin') board.begin(task.id, 0)
    else {
      const end = kind === 'lost' ? board.lost(task.id, 'lost', output, 1) : board.end(task.id, kind, 'why', output, 1)
      if (end !== undefined) ended.set(task.id, end.outcome)
    }
  }
  for (const each of script) {
    step(each)
    look()
  }
  for (let turns = 0; !board.finished; turns += 1) {
    if (turns > 100 || (board.ready().length === 0 && board.running.length === 0)) throw new Error('one outcome')
    step({ kind: board.ready().length > 0 ? 'begin' : 'succeeded', pick: 0 })
    look()
  }
}

const property = (make: (plan: Plan) => TaskBoard) =>
  fc.property(plans, steps, ({ parallel, needs }, script) => {
    const plan = planOf(parallel, ...needs.map((before, at) => taskOf(`t${at}`, before)))
    play(make(plan), plan, script)
  })

describe('whatever happens', () => {
  test('dependencies, width, one outcome, skipping and attempts hold', () => {
    fc.assert(
      property((plan) => new TaskBoard(plan, 0)),
      { numRuns: 500 },
    )
  })

  // Boards with one promise broken each, which the property must notice.
  class Restless extends TaskBoard {
    override lost(...lost: Parameters<TaskBoard['lost']>) {
      super.lost(...lost)
      return { durationMs: 0, outcome: 'failed' as const, dropped: [] }
    }
  }
  const loose = (plan: Plan) => ({ ...plan, tasks: plan.tasks.map((task) => ({ ...task, dependsOn: [] })) })
  test.each([
    ['dependencies', (plan: Plan) => new TaskBoard(loose(plan), 0)],
    ['width', (plan: Plan) => new TaskBoard({ ...plan, parallel: plan.parallel + 1 }, 0)],
    ['one outcome', (plan: Plan) => new Restless(plan, 0)],
  ])('red: %s', (promise, broken) => {
    const { errorInstance } = fc.check(property(broken), { seed: 1, numRuns: 500 })
    expect(errorInstance).toEqual(new Error(promise))
  })
})
