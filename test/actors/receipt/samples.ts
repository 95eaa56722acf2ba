// Ports in memory and a report to sign, for the tests of receipts.

import type { FlowRecord } from '../../../actors/receipt/receipt.ts'
import type { Files, Secrets } from '../../../src/kernel/ports/index.ts'

export class MemoryFiles implements Files {
  readonly held = new Map<string, { bytes: Uint8Array; mode: number | undefined }>()
  /** The next replace fails and changes nothing. */
  failNextReplace = false

  async read(path: string): Promise<Uint8Array | undefined> {
    return this.held.get(path)?.bytes
  }

  async replace(path: string, bytes: Uint8Array, mode?: number): Promise<void> {
    if (this.failNextReplace) {
      this.failNextReplace = false
      throw new Error('the disk refused')
    }
    this.held.set(path, { bytes, mode })
  }

  async create(path: string, bytes: Uint8Array, mode?: number): Promise<boolean> {
    if (this.held.has(path)) return false
    this.held.set(path, { bytes, mode })
    return true
  }

  async makeFolder(): Promise<void> {}
}

/** Bytes that count up: different each time, the same in each run. */
export function countingSecrets(): Secrets {
  let next = 0
  return {
    bytes(size) {
      next += 1
      return new Uint8Array(size).fill(next)
    },
  }
}

export function sampleFlow(flowId = 'flow-1'): FlowRecord {
  const output = { digest: 'ab'.repeat(32), bytes: 12, dropped: 0 }
  return {
    flowId,
    input: 'lint, types parallel 2',
    startedAtMs: 1_790_000_000_000,
    durationMs: 1234.5,
    outcome: 'failed',
    plan: {
      tasks: [
        {
          id: 'task_1',
          role: 'lint',
          agent: 'lint',
          dependsOn: [],
          priority: 0,
          timeoutMs: 300_000,
          wave: 0,
          startMs: 0,
          endMs: 1000,
        },
      ],
      parallel: 2,
      criticalPath: ['task_1'],
      cost: { totalMs: 1000, criticalPathMs: 1000, makespanMs: 1000 },
    },
    tasks: [
      {
        id: 'task_1',
        role: 'lint',
        outcome: 'succeeded',
        attempts: [
          { agent: 'lint', startMs: 0, durationMs: 3, outcome: 'failed', reason: 'exit code 1', output },
          { agent: 'lint', startMs: 5, durationMs: 900.25, outcome: 'succeeded', reason: '', output },
        ],
      },
    ],
    phases: [{ phase: 'specification', outcome: 'succeeded', durationMs: 1, detail: '1 task' }],
    metrics: { failureRate: 0.5, latencyP99Ms: 900.25 },
  }
}
