// The process of a JavaScript contender: `node contender.js MODULE TASK COUNT REPEATS WARM_UP_MS`. The module exports
// `tasks`, one function per task; this file warms up, repeats, adds up, and prints the result. The warm-up runs whole runs
// until so many milliseconds have passed, so that short runs are as well compiled as long ones; 0: none.

import { pathToFileURL } from 'node:url'

/** One run of a task: what it completed, by its own count, and what it measured. */
export type Run =
  | { readonly completed: number; readonly elapsedMs: number }
  | { readonly completed: number; readonly latenciesMs: Float64Array }
  | { readonly completed: number; readonly value: number }
  /** Several numbers, for one run that compares: of several runs, the last counts. */
  | { readonly completed: number; readonly values: Readonly<Record<string, number>> }

export type Task = (count: number) => Promise<Run>

async function main([modulePath = '', task = '', count = '', repeats = '', warmUpMs = '']: readonly string[]) {
  const module: { readonly tasks: Readonly<Record<string, Task>> } = await import(pathToFileURL(modulePath).href)
  const run = module.tasks[task]
  if (!run) throw new Error(`${modulePath} has no task ${task}`)
  if (Number(warmUpMs) > 0) await warmUp(run, Number(count), Number(warmUpMs))
  const line = `${JSON.stringify(await measure(run, Number(count), Number(repeats)))}\n`
  // A contender's system may hold timers or sockets open: once the line is out, nothing is waited for.
  process.stdout.write(line, () => process.exit(0))
}

async function warmUp(run: Task, count: number, ms: number): Promise<void> {
  const until = performance.now() + ms
  do await run(count)
  while (performance.now() < until)
}

async function measure(run: Task, count: number, repeats: number) {
  let [completed, elapsedMs, value]: (number | undefined)[] = [0, undefined, undefined]
  let values: Readonly<Record<string, number>> | undefined
  const latenciesNs: number[] = []
  for (let i = 0; i < repeats; i += 1) {
    const one = await run(count)
    completed = (completed ?? 0) + one.completed
    if ('elapsedMs' in one) elapsedMs = (elapsedMs ?? 0) + one.elapsedMs
    else if ('value' in one) value = one.value
    else if ('values' in one) values = one.values
    else for (const ms of one.latenciesMs) latenciesNs.push(Math.round(ms * 1e6))
  }
  if (values !== undefined) return { completed, values }
  if (elapsedMs !== undefined) return { completed, elapsedNs: elapsedMs * 1e6 }
  return value !== undefined ? { completed, value } : { completed, latenciesNs }
}

await main(process.argv.slice(2))
