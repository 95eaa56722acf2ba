#!/usr/bin/env node
// The `espalier` command: reads its arguments, calls the command, sets the exit code.

import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { EspalierError } from '../src/index.ts'
import { chaosRaftCommand } from './chaos.ts'
import { listReceiptsCommand, rotateKeyCommand, showReceiptCommand, verifyReceiptsCommand } from './receipts.ts'
import { runCommand } from './run.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

/** How long after its work the command waits for what it did not start, in milliseconds. */
const lingerMs = 1000

const program = new Command('espalier')
  .description('Runs flows of work under supervision trees and leaves signed receipts.')
  .version(version)
  .showHelpAfterError()
  .addHelpText(
    'after',
    `
Examples:
  espalier run "tester, linter parallel 2 timeout 300s" --agents agents.json
  espalier run flow.json --json
  espalier receipts list
  espalier receipts verify
  espalier chaos raft --for 60s

Exit codes:
  run              0  every task succeeded, and the receipts verify
                   1  a task did not succeed, or the receipts do not verify
                   2  wrong input, or the flow could not run
                   128 and the signal's number  stopped: 130 by Ctrl-C, 143 by SIGTERM
  receipts verify  0  intact
                   1  broken
                   2  unreadable
  chaos raft       0  every acknowledged write is there, and the history is linearizable
                   1  not so, or nothing was shown
                   2  wrong input`,
  )

const dataOption = ['--data <dir>', 'folder of receipts, keys and journal', '.espalier'] as const

program
  .command('run')
  .description('run a flow of work')
  .argument('<spec>', 'the flow: its text, such as "roleA, roleB parallel 2 timeout 300s", or a file with it, or -')
  .option('--agents <file>', 'who can do the work', 'agents.json')
  .option(...dataOption)
  .option('--json', 'one JSON object a line: the events, then the result')
  .action(async (spec: string, options: { agents: string; data: string; json?: boolean }) => {
    process.exitCode = await runCommand(spec, { ...options, json: options.json === true })
  })

const receipts = program.command('receipts').description('look at what flows have left')
receipts
  .command('list')
  .description('the receipts, newest first')
  .option(...dataOption)
  .option('--limit <n>', 'at most so many', '20')
  .option('--json', 'one JSON object a line')
  .action(async (options: { data: string; limit: string; json?: boolean }) => {
    process.exitCode = await listReceiptsCommand(options.data, options.limit, options.json === true)
  })
receipts
  .command('show')
  .description('one receipt, whole, as JSON')
  .argument('<id>', 'its id or number')
  .option(...dataOption)
  .action(async (id: string, options: { data: string }) => {
    process.exitCode = await showReceiptCommand(options.data, id)
  })
receipts
  .command('verify')
  .description('check every signature, the chain, and the signed head')
  .option(...dataOption)
  .option('--json', 'the verdict as JSON')
  .action(async (options: { data: string; json?: boolean }) => {
    process.exitCode = await verifyReceiptsCommand(options.data, options.json === true)
  })
receipts
  .command('rotate-key')
  .description('sign with a new key from now on; the old ones still verify')
  .option(...dataOption)
  .action(async (options: { data: string }) => {
    process.exitCode = await rotateKeyCommand(options.data)
  })

program
  .command('chaos')
  .description('break things on purpose, and judge what clients saw')
  .command('raft')
  .description('torment a group of three replicas on worker threads, on this machine, in a temporary folder')
  .option('--for <time>', 'how long, such as 60s or 5m', '60s')
  .option('--seed <n>', 'which faults, and which load', '1')
  .option(
    '--break <name>',
    'plant a bug that must be found: early-acknowledgement, unconfirmed-reads (others: npm run -s simulate -- --help)',
  )
  .action(async (options: { for: string; seed: string; break?: string }) => {
    process.exitCode = await chaosRaftCommand({ for: options.for, seed: options.seed, break: options.break })
  })

// Who reads our output may leave before its end (`| head`): the flow goes on, and its receipt is written.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

try {
  await program.parseAsync()
} catch (error) {
  // What we throw on purpose says what is wrong; anything else is a fault of ours and shows its stack.
  const known = error instanceof EspalierError || (error instanceof Error && 'code' in error)
  process.stderr.write(`espalier: ${known ? (error as Error).message : ((error as Error).stack ?? String(error))}\n`)
  process.exitCode = 2
}

// What a module agent has left running must not keep the command alive.
setTimeout(() => process.exit(), lingerMs).unref()
