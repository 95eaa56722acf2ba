#!/usr/bin/env node
// The `espalier` command: reads its arguments, calls the command, sets the exit code.

import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { EspalierError } from '../src/index.ts'
import { listReceiptsCommand, rotateKeyCommand, showReceiptCommand, verifyReceiptsCommand } from './receipts.ts'
import { runCommand } from './run.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

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

Exit codes:
  run               0 every task succeeded, 1 one did not, 2 wrong input, 130 or 143 stopped by SIGINT or SIGTERM
  receipts verify   0 intact, 1 broken, 2 unreadable`,
  )

const dataOption = ['--data <dir>', 'folder of receipts, keys and journal', '.espalier'] as const

program
  .command('run')
  .description('run a flow: its text, or the path of a file that holds it (text or JSON), or - for standard input')
  .argument('<spec>', 'for example "roleA, roleB parallel 2 timeout 300s"')
  .option('--agents <file>', 'the agents that can do the work', 'agents.json')
  .option(...dataOption)
  .option('--json', 'print one JSON object a line: events, then the result')
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

try {
  await program.parseAsync()
} catch (error) {
  // What we throw on purpose says what is wrong; anything else is a fault of ours and shows its stack.
  const known = error instanceof EspalierError || (error instanceof Error && 'code' in error)
  process.stderr.write(`espalier: ${known ? (error as Error).message : ((error as Error).stack ?? String(error))}\n`)
  process.exitCode = 2
}
