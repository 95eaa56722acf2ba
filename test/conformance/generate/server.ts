// Random servers. Rules that set off another event by themselves have a bound on their use.

import type { ServerRule, ServerScenario, Term } from '../scenario.ts'
import type { Draw } from './draw.ts'
import { contents, machineSteps, reasons } from './steps.ts'

const keys = ['k1', 'k2'] as const
const continues = ['c1', 'c2'] as const
const times = [0, 0, 40, 140, 275] as const

export function server(draw: Draw): Omit<ServerScenario, 'name'> {
  const events: [Term, Term][] = []
  for (const type of ['call', 'cast', 'info']) {
    for (const content of [...contents, '_']) if (draw.chance(50)) events.push([type, content])
  }
  for (const content of continues) if (draw.chance(75)) events.push(['continue', content])
  if (draw.chance(75)) events.push(['info', 'timeout'])
  if (draw.chance(20)) events.push(['_', draw.pick(['_', 'x', 'timeout'])])
  return {
    kind: 'server',
    about: 'generated',
    ...draw.maybe(35, () => ({ trap_exit: true })),
    init: init(draw),
    rules: events.map((event) => rule(draw, event)),
    steps: machineSteps(draw),
  }
}

function init(draw: Draw): ServerScenario['init'] {
  if (draw.chance(3)) return { result: draw.pick(['ignore', 'stop', 'crash', 'exit', 'bad']), reason: 'r' }
  return { ...draw.maybe(15, () => ({ counter: draw.int(1, 9) })), ...draw.maybe(30, () => ({ next: next(draw) })) }
}

type Next = NonNullable<ServerRule['do']['next']>

function next(draw: Draw): Next {
  switch (draw.weighted({ timeout: 45, continue: 40, hibernate: 15 })) {
    case 'timeout':
      return draw.pick(times)
    case 'continue':
      return { continue: draw.pick(continues) }
    case 'hibernate':
      return 'hibernate'
  }
}

function rule(draw: Draw, event: [Term, Term]): ServerRule {
  const action = reaction(draw, event[0] === 'call')
  const provoked = event[0] === 'continue' || event[0] === '_' || event[1] === 'timeout' || event[1] === '_'
  return { event, ...(draw.chance(35) || (provoked && 'next' in action) ? { times: draw.int(1, 3) } : {}), do: action }
}

function reaction(draw: Draw, call: boolean): ServerRule['do'] {
  const result = draw.weighted({
    reply: call ? 160 : 10,
    noreply: call ? 50 : 200,
    stop: 2,
    stop_reply: 2,
    crash: 1,
    exit: 1,
    bad: 1,
  })
  const inc = draw.maybe(45, () => ({ inc: draw.int(1, 3) }))
  const save = draw.maybe(call ? 35 : 0, () => ({ save: draw.pick(keys) }))
  const replies = draw.maybe(25, () => ({
    replies: draw.many(1, 2, () => [draw.pick(keys), 'late'] as [string, Term]),
  }))
  const value = (): Term => draw.pick(['r1', 'r2', { t: ['ok', 1] }])
  const reason = draw.maybe(80, () => ({ reason: draw.pick(reasons) as Term }))
  const following = draw.maybe(40, () => ({ next: next(draw) }))
  switch (result) {
    case 'reply':
      return { result, value: value(), ...inc, ...save, ...replies, ...following }
    case 'noreply':
      return { result, ...inc, ...save, ...replies, ...following }
    case 'stop':
      return { result, ...reason, ...inc, ...save, ...replies }
    case 'stop_reply':
      return { result, value: value(), ...reason, ...inc, ...replies }
    case 'crash':
    case 'exit':
      return { result, reason: draw.pick(reasons), ...save, ...replies }
    case 'bad':
      return { result, ...inc, ...save, ...replies }
  }
}
