// `npm run -s crash -- storage …`: breaks a store while it works, and checks what it says when it comes back.

import { parseArgs } from 'node:util'
import { cutPower, kill } from './storage.ts'

const usage = `usage: crash storage [--power-cuts N] [--kills N] [--seed N] [--break ack-at-put]

  --power-cuts N      records every write and sync of a working process (needs strace), and recovers N times from what
                      a disk may hold after a power cut
  --kills N           kills N working processes with SIGKILL, and recovers; the page cache survives, so this cannot show
                      a missing flush
  --seed N            default 1
  --break ack-at-put  acknowledge when a write is visible, before it is flushed: power cuts must find it

Exit code 0 if no acknowledged change was lost, none invented, and the order kept.`

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      'power-cuts': { type: 'string', default: '0' },
      kills: { type: 'string', default: '0' },
      seed: { type: 'string', default: '1' },
      break: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const [cuts, kills, seed] = [Number(values['power-cuts']), Number(values.kills), Number(values.seed)]
  const isNumber = [cuts, kills, seed].every((value) => Number.isSafeInteger(value) && value >= 0)
  const isKnown = positionals.join() === 'storage' && (values.break === undefined || values.break === 'ack-at-put')
  if (values.help || !isNumber || !isKnown || cuts + kills === 0) {
    console.error(usage)
    return values.help ? 0 : 64
  }
  const options = { seed, sabotage: values.break, print: (line: string) => console.log(line) }
  const failures = (await cutPower(cuts, options)) + (kills > 0 ? await kill(kills, options) : 0)
  console.log(failures === 0 ? 'no acknowledged change was lost' : `${failures} recoveries went wrong`)
  return failures === 0 ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2))
