// Where a scenario is played: one node, in virtual or in real time, and how to wait there.

import { createNode, type Node } from 'espalier'
import { createWorld } from 'espalier/testing'

export interface StageOptions {
  readonly realTime: boolean
  /** Chooses among ready processes at random. Virtual time only. Default: first come, first served. */
  readonly seed?: number
}

export interface Stage {
  readonly node: Node
  /** Waits until nothing more can happen except by timers. */
  settle(): Promise<void>
  /** Waits until no timer is set either. */
  rest(): Promise<void>
  /** Waits for `outcome`, and no longer. */
  run<T>(outcome: Promise<T>): Promise<T>
  /** Lets time pass. */
  pass(ms: number): Promise<void>
  /** Ends what is left. */
  close(): Promise<void>
}

export function createStage(options: StageOptions): Stage {
  return options.realTime ? realStage() : virtualStage(options.seed)
}

function virtualStage(seed: number | undefined): Stage {
  const world = createWorld(seed === undefined ? {} : { seed })
  return {
    node: world.createNode(),
    settle: () => world.settle(),
    rest: () => world.advance(Number.POSITIVE_INFINITY),
    run: (outcome) => world.run(outcome),
    pass: (ms) => world.advance(ms),
    close: () => Promise.resolve(),
  }
}

function realStage(): Stage {
  const node = createNode()
  // Not node.idle(): that waits for handlers, and a scenario has some that hang.
  const settle = async () => {
    do {
      await new Promise<void>((resolve) => node.scheduler.whenQuiet(resolve))
      await new Promise((resolve) => setImmediate(resolve))
    } while (!node.scheduler.quiet)
  }
  const pass = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
  const rest = async () => {
    await settle()
    while (node.timerCount > 0) {
      await pass(1)
      await settle()
    }
  }
  return { node, settle, rest, run: (outcome) => outcome, pass, close: () => node.stop({ timeoutMs: 1 }) }
}
