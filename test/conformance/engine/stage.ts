// Where a scenario is played: one node, in virtual or in real time, and how to wait there.

import { createNode, type Node } from 'espalier'
import { createWorld } from 'espalier/testing'

export interface StageOptions {
  readonly realTime: boolean
  /** Chooses among ready processes at random. Virtual time only. Default: first come, first served. */
  readonly seed?: number
}

/** How to wait where a scenario is played. */
export interface Timing {
  /** In real time: the machine was so busy that timers which compete may have come in the wrong order. */
  readonly late: boolean
  /** Waits until nothing more can happen except by timers. */
  settle(): Promise<void>
  /** Waits until no timer is set either. */
  rest(): Promise<void>
  /** Lets time pass. */
  pass(ms: number): Promise<void>
}

export interface Stage extends Timing {
  readonly node: Node
  /** Waits for `outcome`, and no longer. */
  run<T>(outcome: Promise<T>): Promise<T>
  /** Ends what is left. */
  close(): Promise<void>
}

export function createStage(options: StageOptions): Stage {
  return options.realTime ? new RealStage() : virtualStage(options.seed)
}

function virtualStage(seed: number | undefined): Stage {
  const world = createWorld(seed === undefined ? {} : { seed })
  return {
    node: world.createNode(),
    late: false,
    settle: () => world.settle(),
    rest: () => world.advance(Number.POSITIVE_INFINITY),
    run: (outcome) => world.run(outcome),
    pass: (ms) => world.advance(ms),
    close: () => Promise.resolve(),
  }
}

/** Timers that compete are 30 ms apart (FORMAT.md, section 2). */
export const lateMs = 12

class RealStage implements Stage {
  readonly node = createNode()
  late = false

  // Not node.idle(): that waits for handlers, and a scenario has some that hang.
  async settle(): Promise<void> {
    const due = this.node.now()
    do {
      await new Promise<void>((resolve) => this.node.scheduler.whenQuiet(resolve))
      await new Promise((resolve) => setImmediate(resolve))
    } while (!this.node.scheduler.quiet)
    this.#check(due)
  }

  async rest(): Promise<void> {
    await this.settle()
    while (this.node.timerCount > 0) {
      await this.pass(1)
      await this.settle()
    }
  }

  async pass(ms: number): Promise<void> {
    const due = this.node.now() + ms
    await new Promise((resolve) => setTimeout(resolve, ms))
    this.#check(due)
  }

  run<T>(outcome: Promise<T>): Promise<T> {
    return outcome
  }

  close(): Promise<void> {
    return this.node.stop({ timeoutMs: 1 })
  }

  #check(due: number): void {
    if (this.node.now() - due > lateMs) this.late = true
  }
}
