import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Mailbox } from '../../src/kernel/mailbox.ts'

type Entry = [head: unknown, payload: unknown]
interface Pair {
  readonly mailbox: Mailbox
  readonly array: Entry[]
}

const contents = (mailbox: Mailbox): Entry[] =>
  Array.from({ length: mailbox.length }, (_, i) => [mailbox.headAt(i), mailbox.payloadAt(i)])

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

/** What tells the two apart, if anything does. Not `toEqual`: that would take a second for a long queue. */
function difference({ mailbox, array }: Pair): string | undefined {
  if (mailbox.length !== array.length) return `${mailbox.length} messages instead of ${array.length}`
  const wrong = array.findIndex(([head, payload], i) => mailbox.headAt(i) !== head || mailbox.payloadAt(i) !== payload)
  return wrong < 0 ? undefined : `another message at ${wrong} of ${array.length}`
}

let serial = 0
/** Programs that push and shift at most `most` messages at a time. */
function programs(most: number) {
  const push = fc.integer({ min: 1, max: most }).map((count) => ({
    text: `push ${count}`,
    run: ({ mailbox, array }: Pair) => {
      for (let i = 0; i < count; i++) {
        const entry: Entry = [`head ${serial}`, serial++]
        mailbox.push(...entry)
        array.push(entry)
      }
    },
  }))
  const shift = fc.integer({ min: 1, max: most }).map((count) => ({
    text: `shift ${count}`,
    run: ({ mailbox, array }: Pair) => {
      for (const _ of array.splice(0, count)) mailbox.shift()
    },
  }))
  const removeAt = fc.tuple(fc.nat(1_000_000), fc.integer({ min: 1, max: 8 })).map(([seed, times]) => ({
    text: `${times} times removeAt(${seed} modulo the length)`,
    run: ({ mailbox, array }: Pair) => {
      for (let i = 0; i < times && array.length > 0; i++) {
        mailbox.removeAt(seed % array.length)
        array.splice(seed % array.length, 1)
      }
    },
  }))
  const newest = fc.integer({ min: 1, max: most }).map((count) => ({
    text: `remove the newest ${count}`,
    run: ({ mailbox, array }: Pair) => {
      for (let i = 0; i < count && array.length > 0; i++) {
        array.pop()
        mailbox.removeAt(array.length)
      }
    },
  }))
  const clear = fc.constant({
    text: 'clear',
    run: ({ mailbox, array }: Pair) => {
      mailbox.clear()
      array.length = 0
    },
  })
  return fc.array(
    fc.oneof(
      { arbitrary: push, weight: 6 },
      { arbitrary: shift, weight: 4 },
      { arbitrary: removeAt, weight: 8 },
      { arbitrary: newest, weight: 2 },
      { arbitrary: clear, weight: 1 },
    ),
    { maxLength: 60 },
  )
}

// 40 messages lie in one array; 3 000 in several segments.
test.each([
  [40, 100],
  [3000, 100],
])(
  'model: a mailbox is an array of pairs, whatever is pushed (up to %i), shifted, removed and cleared',
  (most, numRuns) => {
    fc.assert(
      fc.property(programs(most), (program) => {
        const pair: Pair = { mailbox: new Mailbox(), array: [] }
        for (const step of program) {
          step.run(pair)
          expect(difference(pair), step.text).toBeUndefined()
        }
      }),
      { numRuns },
    )
  },
)

test('the model sees a mailbox that removes the neighbour', () => {
  class Broken extends Mailbox {
    override removeAt(index: number): void {
      super.removeAt(index === 3 ? 2 : index)
    }
  }
  const check = fc.check(
    fc.property(programs(40), (program) => {
      const pair: Pair = { mailbox: new Broken(), array: [] }
      for (const step of program) step.run(pair)
      expect(difference(pair)).toBeUndefined()
    }),
    { seed: 1, numRuns: 1000 },
  )
  expect(check.failed).toBe(true)
})

test('a mailbox keeps its order beyond the depth at which arrays fall off a cliff', () => {
  const mailbox = new Mailbox()
  for (let i = 0; i < 100_000; i++) mailbox.push('n', i)
  let inOrder = true
  for (let i = 0; i < 100_000; i++) {
    inOrder &&= mailbox.payloadAt(0) === i
    mailbox.shift()
  }
  expect(inOrder).toBe(true)
  expect(mailbox.length).toBe(0)
  mailbox.push('again', 1)
  expect(contents(mailbox)).toEqual([['again', 1]])
})

test('a message that was taken is not held by the mailbox any more', async () => {
  const mailbox = new Mailbox()
  const taken = (take: () => void) => {
    mailbox.push('a', {})
    mailbox.push('b', {})
    mailbox.push('c', {})
    const message = new WeakRef(mailbox.payloadAt(1) as object)
    take()
    return message
  }
  const shifted = taken(() => {
    mailbox.shift()
    mailbox.shift()
    mailbox.shift()
  })
  const removed = taken(() => mailbox.removeAt(1))
  await new Promise((resolve) => setImmediate(resolve))
  collectGarbage()
  expect(shifted.deref()).toBeUndefined()
  expect(removed.deref()).toBeUndefined()
})

/** Pushes `count` objects, has `take` remove them all, and answers how many of them are still held. */
async function heldAfter(count: number, take: (mailbox: Mailbox) => void): Promise<number> {
  const mailbox = new Mailbox()
  const messages = Array.from({ length: count }, () => {
    const message = {}
    mailbox.push(message, message)
    return new WeakRef(message)
  })
  take(mailbox)
  mailbox.push('next', 'next')
  await new Promise((resolve) => setImmediate(resolve))
  collectGarbage()
  const held = messages.filter((message) => message.deref() !== undefined).length
  expect(contents(mailbox)).toEqual([['next', 'next']])
  return held
}

// Segments that are spare would show up here: this thread keeps those of the mailboxes before.
test.each([
  ['shifted', (mailbox: Mailbox) => mailbox.shift()],
  ['removed from the middle', (mailbox: Mailbox) => mailbox.removeAt(mailbox.length >> 1)],
  [
    'removed before the middle',
    (mailbox: Mailbox) => mailbox.removeAt((mailbox.length >> 1) - (mailbox.length > 1 ? 1 : 0)),
  ],
  ['removed from the end', (mailbox: Mailbox) => mailbox.removeAt(mailbox.length - 1)],
])('of a long queue nothing is held once it was %s', async (_, take) => {
  const all = (mailbox: Mailbox) => {
    while (mailbox.length > 0) take(mailbox)
  }
  expect(await heldAfter(6, all)).toBe(0)
  expect(await heldAfter(5000, all)).toBe(0)
})

test('of a queue that was cleared nothing is held', async () => {
  expect(await heldAfter(5000, (mailbox) => mailbox.clear())).toBe(0)
})

test('of a short queue that has moved to the start of its array nothing is held', async () => {
  const moved = (mailbox: Mailbox) => {
    for (let i = 0; i < 5; i++) mailbox.shift()
    mailbox.push('one more', 'than fits behind')
    while (mailbox.length > 0) mailbox.shift()
  }
  expect(await heldAfter(8, moved)).toBe(0)
})

test('a long queue of which both ends were taken goes on behind what is left', () => {
  const pair: Pair = { mailbox: new Mailbox(), array: [] }
  const push = (count: number) => {
    for (let i = 0; i < count; i++) {
      pair.mailbox.push('n', serial)
      pair.array.push(['n', serial++])
    }
  }
  push(4000)
  for (const _ of pair.array.splice(0, 1100)) pair.mailbox.shift()
  while (pair.array.length > 500) {
    pair.array.pop()
    pair.mailbox.removeAt(pair.array.length)
  }
  push(2000)
  expect(difference(pair)).toBeUndefined()
})
