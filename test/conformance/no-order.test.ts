import { expect, test } from 'vitest'
import { inNoOrder } from './no-order.ts'
import type { TraceEvent } from './scenario.ts'

const down = (name: string): TraceEvent => ['down', name, 'killed']
const start: readonly TraceEvent[] = [
  ['sup_init', 'root#1'],
  ['sup_init', 's#1'],
]

test('the deaths that a supervisor’s end causes are compared in no order', () => {
  const [, segment] = inNoOrder([start, [down('s#1'), down('s/b#1'), down('s/a#1'), ['sup_init', 's#2']]])
  expect(segment).toEqual([down('s#1'), down('s/a#1'), down('s/b#1'), ['sup_init', 's#2']])
})

test.each<[string, readonly TraceEvent[]]>([
  ['children that end while their supervisor lives', [down('s/b#1'), down('s/a#1')]],
  ['children of another supervisor', [down('s#1'), down('b#1'), down('a#1')]],
  ['a supervisor after its children', [down('s/b#1'), down('s/a#1'), down('s#1')]],
])('%s keep their order', (_, segment) => {
  expect(inNoOrder([start, segment])).toEqual([start, segment])
})
