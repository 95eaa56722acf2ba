import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { NetworkModel, SeededRandom, type Weather } from '../../src/simulation/index.ts'

/** Sends `count` messages, a millisecond apart. */
function traffic(network: NetworkModel, count: number, seed = 1, from = 'n1', to = 'n2'): (readonly number[])[] {
  const random = new SeededRandom(seed)
  return Array.from({ length: count }, (_, i) => network.send(from, to, i * 1000, random))
}

const share = (results: readonly (readonly number[])[], copies: number) =>
  results.filter((arrivals) => arrivals.length === copies).length / results.length

describe('NetworkModel', () => {
  it('delivers once, within the latency, in order, when the weather is fair', () => {
    const results = traffic(new NetworkModel({ latency: [2, 30] }), 1000)
    const arrivals = results.flat()
    expect(share(results, 1)).toBe(1)
    expect(arrivals).toEqual([...arrivals].sort((a, b) => a - b))
    const delays = arrivals.map((arrival, i) => arrival - i * 1000)
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(2_000)
    expect(Math.max(...delays)).toBeLessThanOrEqual(30_000)
  })

  it('loses and duplicates as often as told', () => {
    const results = traffic(new NetworkModel({ drop: 0.2, duplicate: 0.25 }), 10_000)
    expect(share(results, 0)).toBeCloseTo(0.2, 1)
    expect(share(results, 2)).toBeCloseTo(0.8 * 0.25, 1)
    expect(share(traffic(new NetworkModel({ drop: 1 }), 100), 0)).toBe(1)
  })

  it('lets only reordered messages overtake or be overtaken', () => {
    const overtaken = (weather: Partial<Weather>) => {
      const arrivals = traffic(new NetworkModel({ latency: [1, 20], ...weather }), 2000).flat()
      return arrivals.filter((arrival, i) => arrival < (arrivals[i - 1] ?? 0)).length
    }
    expect(overtaken({})).toBe(0)
    expect(overtaken({ reorder: 0.3 })).toBeGreaterThan(100)
  })

  it('shifts no later draw when a fault is switched on or off (common random numbers)', () => {
    const left = (network: NetworkModel) => {
      const random = new SeededRandom(3)
      for (let i = 0; i < 100; i++) network.send('n1', 'n2', i, random)
      return random.uint32()
    }
    const cut = new NetworkModel()
    cut.cut({})
    const stormy = new NetworkModel({ drop: 0.5, duplicate: 0.5, reorder: 0.5 })
    expect([left(cut), left(stormy)]).toEqual([left(new NetworkModel()), left(new NetworkModel())])
  })

  it('answers the same for the same seed, and sooner or later for another (determinism)', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const weather = { drop: 0.3, duplicate: 0.3, reorder: 0.3 }
        const results = traffic(new NetworkModel(weather), 50, seed)
        expect(traffic(new NetworkModel(weather), 50, seed)).toEqual(results)
        expect(traffic(new NetworkModel(weather), 50, seed + 1)).not.toEqual(results)
      }),
    )
  })

  it('splits by groups: unnamed nodes form one more, and a new partition replaces the old', () => {
    const network = new NetworkModel()
    network.partition([['n1', 'n2'], ['n3']])
    const open = (pairs: string) =>
      pairs.split(' ').map((pair) => network.isOpen(...(pair.split('-') as [string, string])))
    expect(open('n1-n2 n2-n1 n4-n5 n3-n3')).toEqual([true, true, true, true])
    expect(open('n1-n3 n3-n1 n1-n4 n4-n3')).toEqual([false, false, false, false])
    network.partition([['n3']])
    expect(open('n1-n4 n1-n3')).toEqual([true, false])
    network.heal()
    expect(open('n1-n3 n3-n1')).toEqual([true, true])
  })

  it('can be split in part: a node of two groups reaches both', () => {
    const network = new NetworkModel()
    network.partition([
      ['n1', 'n2'],
      ['n2', 'n3'],
    ])
    expect([network.isOpen('n1', 'n2'), network.isOpen('n2', 'n3'), network.isOpen('n1', 'n3')]).toEqual([
      true,
      true,
      false,
    ])
  })

  it('cuts one direction only, from one node, to one node, or everything', () => {
    const network = new NetworkModel()
    network.cut({ from: 'n1', to: 'n2' })
    expect([network.isOpen('n1', 'n2'), network.isOpen('n2', 'n1')]).toEqual([false, true])
    expect(traffic(network, 3)).toEqual([[], [], []])
    network.cut({ to: 'n3' })
    expect([network.isOpen('n1', 'n3'), network.isOpen('n2', 'n3'), network.isOpen('n3', 'n1')]).toEqual([
      false,
      false,
      true,
    ])
    network.cut({})
    expect([network.isOpen('n4', 'n5'), network.isOpen('n4', 'n4')]).toEqual([false, true])
  })

  it('changes the weather of some links; a change everywhere clears it, and fields left out stay', () => {
    const network = new NetworkModel({ duplicate: 1 })
    const copies = (from: string, to: string) => traffic(network, 1, 1, from, to)[0]?.length
    network.setWeather({ drop: 1 }, { from: 'n1' })
    network.setWeather({ drop: 0 }, { from: 'n1', to: 'n3' })
    expect([copies('n1', 'n2'), copies('n1', 'n3'), copies('n2', 'n1')]).toEqual([0, 2, 2])
    network.heal()
    expect(copies('n1', 'n2')).toBe(0)
    network.setWeather({ reorder: 0 })
    expect([copies('n1', 'n2'), copies('n2', 'n1')]).toEqual([2, 2])
  })

  it('delivers a message to oneself at once, whatever the weather', () => {
    expect(new NetworkModel({ drop: 1 }).send('n1', 'n1', 7, new SeededRandom(1))).toEqual([7])
  })

  it.each([{ drop: 2 }, { reorder: -1 }, { latency: [5, 1] as const }, { latency: [-1, 1] as const }])(
    'refuses %j',
    (change) => {
      const field = Object.keys(change)[0]
      const refusal = expect.objectContaining({ code: 'ERR_OPTION', field })
      expect(() => new NetworkModel(change)).toThrow(refusal)
      expect(() => new NetworkModel().setWeather(change, { from: 'n1' })).toThrow(refusal)
    },
  )
})
