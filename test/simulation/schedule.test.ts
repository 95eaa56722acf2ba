import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nodesNamedBy, parseSchedule, readSchedule, type Schedule, ScheduleError } from '../../src/simulation/index.ts'

const folder = new URL('./schedules/', import.meta.url)
const files = readdirSync(folder).filter((name) => name.endsWith('.json'))
const read = (name: string) => readFileSync(new URL(name, folder), 'utf8')

const bare = { name: 'bare', protocol: 'raft', nodes: 3, seed: 1, steps: [] as unknown[], expect: [] as unknown[] }
const withSteps = (...steps: unknown[]) => ({ ...bare, steps })
const withExpect = (...expectations: unknown[]) => ({ ...bare, expect: expectations })

function problemsOf(value: unknown): string[] {
  try {
    readSchedule(value)
  } catch (error) {
    if (error instanceof ScheduleError) return error.problems.map(({ path, message }) => `${path}: ${message}`)
    throw error
  }
  return []
}

/** Every step and every expectation of the format, with all their fields. */
const everything = {
  ...{
    name: 'everything',
    about: 'one of each',
    protocol: 'raft',
    nodes: 4,
    seed: -7,
    until: 9000,
    mustFail: 'invariant',
  },
  config: {
    ...{ electionTimeout: [100, 200], heartbeat: 20, preVote: false, checkQuorum: false, leaseReads: true },
    ...{ maxClockDrift: 0.1, snapshotEvery: 50, maxBatch: 8, maxInflight: 4, viewTimeout: 300, checkpointEvery: 10 },
    ...{ window: 20, migratable: true, sessionTtl: 1000, nodeConfig: { n2: { heartbeat: 10 } } },
  },
  nodeConfig: { n3: { leaseReads: false } },
  network: { latency: [0.5, 2], drop: 0.1, duplicate: 0.1, reorder: 0.1 },
  disk: { syncLatency: [0, 1], loseUnsynced: false },
  steps: [
    { op: 'put', id: 'p', client: 'c2', key: 'k', value: { deep: [1] }, to: 'leader', deadline: 10, as: 'L' },
    { op: 'get', id: 'g', client: 'c2', key: 'k', to: 'n1', deadline: 10, read: 'lease' },
    { op: 'cas', id: 'c', client: 'c2', key: 'k', expected: null, value: 2, to: 'follower', deadline: 10 },
    { op: 'load', clients: 2, rate: 0.5, for: 100, keys: 3, mix: { put: 1 } },
    ...[
      'crash',
      'restart',
      'pause',
      'resume',
      'campaign',
      'holdApply',
      'releaseApply',
      'gateDisk',
      'wipe',
      'snapshot',
    ].map((op) => ({ op, node: 'L' })),
    ...['restart', 'resume', 'releaseDisk', 'honest'].map((op) => ({ op, node: 'all' })),
    { op: 'partition', groups: [['n1', 'L'], ['follower']] },
    { op: 'cut', from: 'n1' },
    { op: 'heal' },
    { op: 'network', drop: 0.5, duplicate: 0, reorder: 1, latency: 5, from: 'n1', to: 'n2' },
    { op: 'hold', kind: 'appendReply', from: 'n1', to: 'n2' },
    { op: 'hold', kind: 'request', from: 'c2', to: 'n2' },
    { op: 'release', kind: 'appendReply', from: 'n1', to: 'n2', count: 2, order: 'reverse' },
    { op: 'dropNext', kind: 'prePrepare', from: 'n1', to: 'n2', count: 2 },
    { op: 'duplicateNext', kind: 'reply', to: 'load3-0' },
    { op: 'clock', node: 'n1', rate: 1.5, jump: -20 },
    { op: 'releaseDisk', node: 'n1', count: 1, order: 'reverse' },
    ...['tornTail', 'corrupt', 'full', 'slow', 'ok'].map((fault) => ({ op: 'disk', node: 'n1', fault })),
    { op: 'disk', node: 'n1', fault: 'corrupt', index: 3 },
    { op: 'disk', node: 'n1', fault: 'slow', syncLatency: [1, 2] },
    { op: 'kill', node: 'n1', lot: 2 },
    { op: 'transfer', to: 'n2', id: 't' },
    ...['add', 'addLearner', 'promote', 'remove'].map((op) => ({ op, node: 'n5', id: op, to: 'n1', deadline: 100 })),
    { op: 'replaceAll', members: ['n1', 'n6'], id: 'r', to: 'n1', deadline: 100 },
    { op: 'expireSession', client: 'c2' },
    ...['silent', 'equivocate', 'wrongDigest', 'forgeSignature', 'replayOldView', 'corruptReply', 'corruptState'].map(
      (behaviour) => ({ op: 'byzantine', node: 'primary', behaviour }),
    ),
    ...['lyingCheckpoint', 'floodClient', 'doubleVote'].map((behaviour) => ({
      op: 'byzantine',
      node: 'n2',
      behaviour,
    })),
    { op: 'byzantine', node: 'n1', behaviour: 'equivocate', split: [['n2'], ['n3', 'n4']] },
    { op: 'byzantine', node: 'n1', behaviour: 'forgedNewView', variant: 'lowMin' },
    { op: 'byzantine', node: 'n1', behaviour: 'selectiveSilence', towards: 'n2' },
    { op: 'byzantine', node: 'n1', behaviour: 'delay', ms: 20 },
    { op: 'byzantine', node: 'n1', behaviour: 'twin', groups: [['n2'], ['n3']] },
    { op: 'byzantine', node: 'c9', behaviour: 'badClient', towards: ['n2', 'n3'] },
    { op: 'byzantine', node: 'n1', behaviour: 'accuse', against: 'n2' },
    { op: 'honest', node: 'n1' },
  ].map((step, index) => ({ at: index * 10, ...step })),
  expect: [
    ...['leader', 'noLeader'].map((op) => ({ op, at: 100 })),
    ...['leaderIs', 'leaderIsNot'].map((op) => ({ op, node: 'L', at: 100 })),
    ...['acked', 'unacked'].map((op) => ({ op, id: 'p', by: 100 })),
    { op: 'result', id: 'g', equals: null },
    { op: 'refused', id: 'add', code: 'changeInProgress' },
    { op: 'value', key: 'k', equals: { deep: [1] }, at: 100 },
    { op: 'converged' },
    { op: 'termAtMost', value: 3, at: 100 },
    { op: 'termUnchanged', from: 1, to: 2 },
    { op: 'members', equals: ['n1', 'n6'], at: 100 },
    { op: 'progress', from: 1, to: 2, atLeast: 1 },
    { op: 'noProgress', from: 1, to: 2 },
    { op: 'protocol', equals: 'pbft', at: 100 },
    ...['evidence', 'noEvidence'].map((op) => ({ op, node: 'n1' })),
  ],
}

describe('parseSchedule', () => {
  it.each(files)('reads %s', (name) => {
    const schedule = parseSchedule(read(name), name)
    expect(schedule.name).toMatch(/^(raft|pbft)-/)
    expect(schedule.steps.length).toBeGreaterThan(0)
  })

  it('reads every step, expectation and field of the format', () => {
    const schedule = readSchedule(everything)
    expect(schedule.steps).toHaveLength(everything.steps.length)
    expect(schedule.config).toMatchObject({ electionTimeout: [100, 200], maxInflight: 4 })
    expect(schedule.nodeConfig).toEqual({ n2: { heartbeat: 10 }, n3: { leaseReads: false } })
    expect(schedule.steps.map((step) => step.op)).toEqual(everything.steps.map((step) => step.op))
  })

  it('fills in every default', () => {
    const schedule = readSchedule({
      ...bare,
      steps: [
        { at: 10, op: 'cas', key: 'k', value: 1 },
        { at: 20, op: 'load', clients: 1, rate: 1, for: 10 },
        { at: 30, op: 'dropNext' },
      ],
      expect: [{ op: 'leader' }, { op: 'value', key: 'k', equals: 1 }],
    })
    expect(schedule).toEqual<Schedule>({
      ...{ name: 'bare', about: '', protocol: 'raft', nodes: 3, seed: 1, until: 5030, nodeConfig: {} },
      config: {
        ...{ electionTimeout: [150, 300], heartbeat: 50, preVote: true, checkQuorum: true, leaseReads: false },
        ...{ maxClockDrift: 0, snapshotEvery: 0, viewTimeout: 400, checkpointEvery: 100, window: 200 },
        ...{ migratable: false, sessionTtl: 0 },
      },
      network: { latency: [1, 10], drop: 0, duplicate: 0, reorder: 0 },
      disk: { syncLatency: [0, 2], loseUnsynced: true },
      steps: [
        { at: 10, op: 'cas', client: 'c1', key: 'k', expected: null, value: 1, deadline: 3000 },
        { at: 20, op: 'load', clients: 1, rate: 1, for: 10, keys: 10, mix: { put: 0.5, get: 0.4, cas: 0.1 } },
        { at: 30, op: 'dropNext', count: 1 },
      ],
      expect: [
        { op: 'leader', at: 5030 },
        { op: 'value', key: 'k', equals: 1 },
      ],
    })
  })

  it.each([...files.map(read).map((text) => JSON.parse(text)), everything])(
    'reads again what it read, written as JSON (round trip: $name)',
    (value) => {
      const once = readSchedule(value)
      expect(readSchedule(JSON.parse(JSON.stringify(once)))).toEqual(once)
    },
  )

  it('names an unknown field and its path, wherever it stands (fuzz)', () => {
    const places: (readonly [string, (value: typeof everything) => object | undefined])[] = [
      ['', (value) => value],
      ...(['config', 'network', 'disk'] as const).map(
        (name) => [`${name}.`, (value: typeof everything) => value[name]] as const,
      ),
      ['config.nodeConfig.n2.', (value) => value.config.nodeConfig.n2],
      ['nodeConfig.n3.', (value) => value.nodeConfig.n3],
      ...everything.steps.map((_, i) => [`steps[${i}].`, (value: typeof everything) => value.steps[i]] as const),
      ...everything.expect.map((_, i) => [`expect[${i}].`, (value: typeof everything) => value.expect[i]] as const),
    ]
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.stringMatching(/^z[a-z]{3,8}$/), ([path, find], field) => {
        const changed = structuredClone(everything)
        Object.assign(find(changed) ?? {}, { [field]: 1 })
        expect(problemsOf(changed)).toEqual([expect.stringContaining(`${path}${field}: unknown field; known here: `)])
      }),
      { numRuns: 300 },
    )
  })

  it.each([
    ['an unknown step', withSteps({ at: 1, op: 'partitoin' }), 'steps[0].op: unknown: "partitoin"; known: put, get,'],
    ['a step without an op', withSteps({ at: 1 }), 'steps[0].op: missing; known: put, get,'],
    ['an unknown expectation', withExpect({ op: 'converges' }), 'expect[0].op: unknown: "converges"; known: leader,'],
    [
      'an unknown fault',
      withSteps({ at: 1, op: 'disk', node: 'n1', fault: 'melt' }),
      'steps[0].fault: unknown: "melt"',
    ],
    [
      'an unknown behaviour',
      withSteps({ at: 1, op: 'byzantine', node: 'n1', behaviour: 'nice' }),
      'steps[0].behaviour: ',
    ],
    ['a missing field', withSteps({ at: 1, op: 'put', key: 'k' }), 'steps[0].value: missing'],
    [
      'a field of another step',
      withSteps({ at: 1, op: 'put', key: 'k', value: 1, read: 'log' }),
      'steps[0].read: unknown',
    ],
    [
      'steps out of order',
      withSteps({ at: 2, op: 'heal' }, { at: 1, op: 'heal' }),
      'steps[1].at: steps stand in order',
    ],
    ['a probability above 1', { ...bare, network: { drop: 2 } }, 'network.drop: expected a number <= 1, got 2'],
    [
      'a range the wrong way round',
      { ...bare, config: { electionTimeout: [3, 1] } },
      'config.electionTimeout: expected [le',
    ],
    ['a fractional seed', { ...bare, seed: 1.5 }, 'seed: expected an integer, got 1.5'],
    ['an unknown protocol', { ...bare, protocol: 'paxos' }, 'protocol: unknown: "paxos"; known: raft, pbft, sample'],
    [
      'an unknown message kind',
      withSteps({ at: 1, op: 'hold', kind: 'apend' }),
      'steps[0].kind: unknown: "apend"; known: preVote,',
    ],
    [
      'a kind of the other protocol',
      withSteps({ at: 1, op: 'hold', kind: 'prepare' }),
      'steps[0].kind: "prepare" is no me',
    ],
    [
      'a liar in plain Raft',
      withSteps({ at: 1, op: 'byzantine', node: 'n1', behaviour: 'silent' }),
      'steps[0].op: "byzantine" means nothing',
    ],
    ['a node that is not there', withSteps({ at: 1, op: 'crash', node: 'n4' }), 'steps[0].node: "n4" is no node'],
    [
      'a node deep inside',
      withSteps({ at: 1, op: 'partition', groups: [['n1'], ['n9']] }),
      'steps[0].groups[1][0]: "n9"',
    ],
    ['an alias before it is given', withSteps({ at: 1, op: 'crash', node: 'L' }), 'steps[0].node: "L" is no node'],
    ['an alias for nobody', withSteps({ at: 1, op: 'heal', as: 'L' }), 'steps[0].as: this step names no node'],
    [
      'an alias that means something',
      withSteps({ at: 1, op: 'crash', node: 'n1', as: 'leader' }),
      'steps[0].as: "leader"',
    ],
    [
      '"all" where one is meant',
      withSteps({ at: 1, op: 'crash', node: 'all' }),
      'steps[0].node: only restart, resume,',
    ],
    [
      'an id given twice',
      withSteps(...[1, 2].map((at) => ({ at, op: 'get', id: 'a', key: 'k' }))),
      'steps[1].id: "a" is',
    ],
    ['an id nobody has', withExpect({ op: 'acked', id: 'a' }), 'expect[0].id: no step has the id "a"'],
    ['an expectation of a stranger', withExpect({ op: 'evidence', node: 'n7' }), 'expect[0].node: "n7" is no node'],
    [
      'a span that ends before it begins',
      withExpect({ op: 'noProgress', from: 2, to: 1 }),
      'expect[0].to: earlier than',
    ],
    [
      'an expectation beyond the end',
      { ...bare, until: 10, expect: [{ op: 'leader', at: 20 }] },
      'expect[0].at: later than the end of the run, 10',
    ],
    ['settings for a stranger', { ...bare, nodeConfig: { n9: {} } }, 'nodeConfig.n9: "n9" is no node'],
    ['no object at all', [], ': expected an object, got []'],
    ['a step that is none', withSteps(null), 'steps[0]: expected an object, got null'],
    ['a number that is a text', { ...bare, nodes: '3' }, 'nodes: expected a number, got "3"'],
    ['a time before the beginning', withSteps({ at: -5, op: 'heal' }), 'steps[0].at: expected a number >= 0, got -5'],
    ['no name', { ...bare, name: '' }, 'name: expected a text that is not empty'],
    ['a list that is none', { ...bare, steps: 'none' }, 'steps: expected a list, got "none"'],
    ['no groups', withSteps({ at: 1, op: 'partition', groups: [] }), 'steps[0].groups: expected at least one'],
    [
      'a load of nothing',
      withSteps({ at: 1, op: 'load', clients: 1, rate: 1, for: 10, mix: {} }),
      'steps[0].mix: expected at least one of put, get, cas above 0',
    ],
    ['a step behind the end', { ...withSteps({ at: 9, op: 'heal' }), until: 5 }, 'steps[0].at: later than the end'],
    [
      'a role of PBFT in Raft',
      withSteps({ at: 1, op: 'crash', node: 'primary' }),
      'steps[0].node: "primary" is nobody',
    ],
    [
      'time-outs within a heartbeat',
      { ...bare, config: { electionTimeout: [30, 40] } },
      'config.electionTimeout: expected [least, most], both more than heartbeat, 50; got [30,40]',
    ],
    [
      'the same of one node',
      { ...bare, nodeConfig: { n2: { heartbeat: 150 } } },
      'nodeConfig.n2.electionTimeout: expected [least, most], both more than heartbeat, 150',
    ],
    ['no heartbeat', { ...bare, config: { heartbeat: 0 } }, 'config.heartbeat: expected a number >= 1, got 0'],
  ])('refuses %s', (_what, value, problem) => {
    expect(problemsOf(value).find((line) => line.startsWith(problem))).toBeDefined()
  })

  it('takes a stranger of whom membership is asked, CRLF, and a byte order mark', () => {
    const asked = withSteps(...['promote', 'remove'].map((op, at) => ({ at, op, node: `n${8 + at}` })))
    expect(problemsOf(asked)).toEqual([])
    const text = `\uFEFF${JSON.stringify(asked, undefined, 1).replaceAll('\n', '\r\n')}`
    expect(parseSchedule(text).steps).toHaveLength(2)
  })

  it('opens every message with the source, also when the text is no JSON', () => {
    expect(() => parseSchedule('{', 'a.json')).toThrow(expect.objectContaining({ code: 'ERR_SCHEDULE' }))
    expect(() => parseSchedule('{', 'a.json')).toThrow(/^a\.json: not JSON: /)
    expect(() => parseSchedule('{}', 'b.json')).toThrow(/^b\.json: name: missing/)
  })
})

describe('nodesNamedBy', () => {
  it('lists the nodes of a step with their places, the one an alias takes first', () => {
    const { steps } = readSchedule(everything)
    const accuse = steps.find((step) => step.op === 'byzantine' && step.behaviour === 'accuse')
    const partition = steps.find((step) => step.op === 'partition')
    expect(accuse && nodesNamedBy(accuse).map(({ name }) => name)).toEqual(['n1', 'n2'])
    expect(partition && nodesNamedBy(partition)).toContainEqual({ path: 'groups[1][0]', name: 'follower' })
  })
})
