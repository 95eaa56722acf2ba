import { next, noReply, ProcessError } from 'espalier'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Term } from '../term.ts'
import { decode, fromTagged, garbage, Names, toTagged } from './terms.ts'

const { term } = fc.letrec<{ term: Term }>((tie) => ({
  term: fc.oneof(
    { maxDepth: 4 },
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.array(tie('term'), { maxLength: 4 }),
    fc.array(tie('term'), { maxLength: 4 }).map((t) => ({ t })),
    fc.tuple(fc.string({ minLength: 1 }), tie('term')).map((t) => ({ t })),
  ),
}))
const names = new Names()
const text = (value: unknown) => JSON.stringify(value)

describe('the table of terms', () => {
  test('round trip: a decoded term encodes to itself', () => {
    fc.assert(
      fc.property(term, (value) => {
        expect(text(names.encode(decode(value)))).toBe(text(value))
      }),
    )
  })

  test('round trip: a term that was carried by a call is the same term', () => {
    fc.assert(
      fc.property(term, (value) => {
        const { tag, argument } = toTagged(value)
        expect(text(fromTagged(names, { tag, content: argument }))).toBe(text(value))
      }),
    )
  })

  test.each<[string, unknown, Term]>([
    ['a tagged object', { failed_to_start_child: 'a', reason: 'boom' }, { t: ['failed_to_start_child', 'a', 'boom'] }],
    ['a crash', { error: 'boom', stack: 'at …' }, { t: ['boom', '<stack>'] }],
    ['an error of the kernel', new ProcessError('badarg', 'register'), 'badarg'],
    ['a map', Object.assign(Object.create(null), { id: 'a' }), '<other>'],
    ['nothing', undefined, 'undefined'],
    ['a misplaced result', garbage.fromCall, 'garbage'],
    ['another result', next(1), '<other>'],
    ['another misplaced result', noReply(1), '<other>'],
  ])('%s', (_, value, expected) => expect(names.encode(value)).toEqual(expected))
})
