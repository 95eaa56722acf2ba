// One node of a scenario on a worker thread: connected to the other one, counted, and, to see the judge turn red,
// with a planted mistake.

import { createNode, type Node } from 'espalier'
import { Distribution, type ThreadContext } from 'espalier/threads'
import { lateMs } from '../stage.ts'
import { CountingCarrier } from './counting-carrier.ts'

/** Mistakes that can be planted: signals of this kind do not cross to the other thread. */
export const breaks = {
  'lost-link-exits': 'link_exit',
  'lost-downs': 'down',
  'lost-exits': 'exit',
} as const
export type Break = keyof typeof breaks

/** What is under way, and may still happen by itself. */
export interface Activity {
  readonly sent: number
  readonly received: number
  readonly timers: number
  /** How often this thread has been late so far. */
  readonly lags: number
}

/** Between two looks at the clock, in milliseconds. */
const lookMs = 4

/** Counts how often this thread is so late that timers which compete may come in the wrong order. */
export class Lags {
  count = 0
  readonly #timer: NodeJS.Timeout

  constructor() {
    let last = performance.now()
    this.#timer = setInterval(() => {
      const now = performance.now()
      if (now - last > lookMs + lateMs) this.count++
      last = now
    }, lookMs)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}

export class Outpost {
  readonly node: Node
  readonly distribution: Distribution
  readonly #carrier: CountingCarrier
  readonly #lags: Lags

  constructor(context: ThreadContext, lags: Lags, name: string, planted: Break | undefined) {
    this.#lags = lags
    this.#carrier = new CountingCarrier(context.carrier)
    this.node = createNode({ name })
    this.distribution = new Distribution(this.node, {
      carrier: this.#carrier,
      modules: { load: async (url, name) => (await import(url))[name] },
    })
    if (planted !== undefined) plant(this.node, planted)
  }

  /** Once nothing is left to do here but by timers. */
  async activity(): Promise<Activity> {
    const { scheduler } = this.node
    do {
      await new Promise<void>((resolve) => scheduler.whenQuiet(resolve))
      await new Promise((resolve) => setImmediate(resolve))
    } while (!scheduler.quiet)
    const { sent, received } = this.#carrier
    return { sent, received, timers: this.node.timerCount, lags: this.#lags.count }
  }

  run<T>(outcome: Promise<T>): Promise<T> {
    return outcome
  }

  async close(): Promise<void> {
    await this.node.stop({ timeoutMs: 1 })
    this.distribution.close()
  }
}

/** The way of a node's signals to other nodes; no part of its public face. */
interface Routed {
  router: { deliver(signal: { readonly kind: string }): void }
}

function plant(node: Node, planted: Break): void {
  const face: unknown = node
  const routed = face as Routed
  const { router } = routed
  routed.router = {
    deliver: (signal) => {
      if (signal.kind !== breaks[planted]) router.deliver(signal)
    },
  }
}
