// Random draws for the generators, on top of fast-check's `gen`: plain code with choices, replayable from one seed.

import fc from 'fast-check'

export type Draw = {
  /** An integer, both ends included. */
  int(min: number, max: number): number
  /** True in `percent` of 100 cases. */
  chance(percent: number): boolean
  pick<const Items extends readonly [unknown, ...unknown[]]>(items: Items): Items[number]
  /** One of the items, or undefined of none. */
  anyOf<Item>(items: readonly Item[]): Item | undefined
  /** By weight: `{ exit: 5, sleep: 1 }` gives 'exit' five times as often as 'sleep'. */
  weighted<Key extends string>(weights: Readonly<Record<Key, number>>): Key
  /** min..max results of `make`. */
  many<Item>(min: number, max: number, make: (index: number) => Item): Item[]
  /** The field, in `percent` of 100 cases: spread it into an object. */
  maybe<Field extends object>(percent: number, make: () => Field): Field | Record<never, never>
}

/** What `build` makes of random draws, as an arbitrary of fast-check. */
export function drawn<Value>(build: (draw: Draw) => Value): fc.Arbitrary<Value> {
  return fc.gen().map((gen) => build(drawFrom((min, max) => gen(evenly, min, max))))
}

// Without fast-check's bias to small and extreme values, which would make every rare choice a common one.
const evenly = (min: number, max: number) => fc.noBias(fc.integer({ min, max }))

function drawFrom(int: (min: number, max: number) => number): Draw {
  const chance = (percent: number) => int(1, 100) <= percent
  const anyOf = <Item>(items: readonly Item[]) => (items.length === 0 ? undefined : items[int(0, items.length - 1)])
  return {
    int,
    chance,
    anyOf,
    pick: (items) => items[int(0, items.length - 1)],
    weighted: (weights) => {
      const keys = Object.keys(weights) as (keyof typeof weights)[]
      let left = int(
        1,
        keys.reduce((sum, key) => sum + weights[key], 0),
      )
      for (const key of keys) {
        left -= weights[key]
        if (left <= 0) return key
      }
      throw new RangeError('weights must not be empty')
    },
    many: (min, max, make) => Array.from({ length: int(min, max) }, (_, i) => make(i)),
    maybe: (percent, make) => (chance(percent) ? make() : {}),
  }
}
