// How a running flow looks: a line per agent on a terminal, a line per event elsewhere, JSON for machines.

import type { FlowEvent, TaskProgress } from '../actors/orchestrator/protocol.ts'
import { countOf, seconds } from './table.ts'

export interface ProgressView {
  show(event: FlowEvent): void
  /** A line that stays. */
  note(text: string): void
  close(): void
}

/** The view that fits where the output goes. */
export function progressView(output: NodeJS.WriteStream, json: boolean): ProgressView {
  if (json) return new JsonView(output)
  return output.isTTY ? new LiveView(output) : new PlainView(output)
}

class JsonView implements ProgressView {
  readonly #output: NodeJS.WriteStream
  constructor(output: NodeJS.WriteStream) {
    this.#output = output
  }
  show(event: FlowEvent): void {
    this.#output.write(`${JSON.stringify(event)}\n`)
  }
  note(text: string): void {
    this.#output.write(`${JSON.stringify({ kind: 'note', text })}\n`)
  }
  close(): void {}
}

class PlainView implements ProgressView {
  readonly #output: NodeJS.WriteStream
  constructor(output: NodeJS.WriteStream) {
    this.#output = output
  }
  show(event: FlowEvent): void {
    const line = plainLine(event)
    if (line !== undefined) this.note(line)
  }
  note(text: string): void {
    this.#output.write(`${text}\n`)
  }
  close(): void {}
}

/** One line per agent, drawn over at each event. */
class LiveView implements ProgressView {
  readonly #output: NodeJS.WriteStream
  readonly #lines = new Map<string, string>()
  #phase = ''
  #drawn = 0

  constructor(output: NodeJS.WriteStream) {
    this.#output = output
  }

  show(event: FlowEvent): void {
    if (event.kind === 'phase') this.#phase = event.phase
    else if (event.kind === 'plan') for (const { agent } of event.plan.tasks) this.#lines.set(agent, 'waiting')
    else if (event.kind === 'task') this.#lines.set(event.task.agent, taskLine(event.task))
    else if (event.kind === 'alert') return this.note(`alert: ${event.text}`)
    this.#draw()
  }

  note(text: string): void {
    this.#erase()
    this.#output.write(`${text}\n`)
    this.#draw()
  }

  close(): void {
    this.#erase()
    for (const line of this.#rows()) this.#output.write(`${line}\n`)
    this.#drawn = 0
  }

  #draw(): void {
    this.#erase()
    // A terminal that does not know its width says 0.
    const width = this.#output.columns || 80
    const rows = [`phase ${this.#phase}`, ...this.#rows()]
    this.#output.write(rows.map((row) => `${row.slice(0, width - 1)}\n`).join(''))
    this.#drawn = rows.length
  }

  #erase(): void {
    if (this.#drawn > 0) this.#output.write(`\u001b[${this.#drawn}A\u001b[0J`)
    this.#drawn = 0
  }

  #rows(): string[] {
    const width = Math.max(0, ...[...this.#lines.keys()].map((agent) => agent.length))
    return [...this.#lines].map(([agent, state]) => `  ${agent.padEnd(width)}  ${state}`)
  }
}

function plainLine(event: FlowEvent): string | undefined {
  switch (event.kind) {
    case 'phase':
      return `phase ${event.phase}`
    case 'plan':
      return `plan: ${countOf(event.plan.tasks.length, 'task')}, at most ${event.plan.parallel} at once`
    case 'task':
      return `${event.task.agent}: ${taskLine(event.task)}`
    case 'alert':
      return `alert: ${event.text}`
    case 'finished':
      return undefined
  }
}

function taskLine({ taskId, state, durationMs, reason, attempt }: TaskProgress): string {
  const again = attempt > 1 ? ` (attempt ${attempt})` : ''
  const took = durationMs > 0 ? ` in ${seconds(durationMs)}` : ''
  return `${taskId} ${state.replace('_', ' ')}${took}${again}${reason === '' ? '' : `: ${reason}`}`
}
