// Child processes of the package check: their output is kept for the failure's report, and a deadline ends them all.
import { spawn } from 'node:child_process'

/** Runs a program to its end; answers what it printed. Rejects with all its output if it fails or outlives `deadline`. */
export function command(argv: readonly string[], options: { cwd: string; deadline: AbortSignal }): Promise<string> {
  const [file = '', ...args] = argv
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    let printed = ''
    let complained = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complained += text
    })
    const stop = () => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    }
    options.deadline.addEventListener('abort', stop, { once: true })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      options.deadline.removeEventListener('abort', stop)
      if (code === 0) resolve(printed)
      else if (options.deadline.aborted) reject(new Error(`${argv.join(' ')}: not done when the time was up`))
      else reject(new Error(`${argv.join(' ')}: ${signal ?? `exit ${code}`}\n${printed}${complained}`))
    })
  })
}

/** Ours, without what `npm run` adds: npm in another folder would take this package for its own. */
function environment(): NodeJS.ProcessEnv {
  const added = /^(npm_(package|lifecycle)_.*|npm_config_local_prefix|npm_command|INIT_CWD|NODE_OPTIONS)$/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !added.test(name)))
}
