import { expect, test } from 'vitest'
import { printVerification, type Verification, verifyInChild } from '../../../actors/receipt/verifier.ts'
import { createSystemChildren, systemClock } from '../../../src/system/index.ts'

const children = createSystemChildren()
const run = (script: string, timeoutMs = 10_000) =>
  verifyInChild({ children, clock: systemClock, argv: [process.execPath, '-e', script], timeoutMs })
const answering = (answer: unknown) => run(`console.log(${JSON.stringify(JSON.stringify(answer))})`)

test.each<Verification>([
  { kind: 'intact', count: 3, digest: 'ab', beyondHead: 1 },
  { kind: 'broken', sequence: 2, fault: 'altered', detail: 'its signature does not fit its content' },
  { kind: 'unreadable', detail: 'the database is corrupted' },
])('the child’s answer %j is passed on', async (answer) => {
  expect(await answering(answer)).toEqual(answer)
  expect(await run(`process.stdout.write(${JSON.stringify(printVerification(answer))}); process.exitCode = 1`)).toEqual(
    answer,
  )
})

test.each([
  ['dies of a signal', "process.kill(process.pid, 'SIGSEGV')", 'the verifier died of SIGSEGV'],
  ['dies in the middle of its answer', `process.stdout.write('{"kind":"int'); process.exit(0)`, /code 0 and no answer/],
  ['says nothing', '', 'the verifier ended with code 0 and no answer'],
  ['throws', "throw new Error('boom')", /^the verifier ended with code 1 and no answer: /],
  ['says something else', "console.log('[1]')", 'the verifier gave an answer that is none'],
  ['says half of it', `console.log('{"kind":"intact"}')`, 'the verifier gave an answer that is none'],
])('red: a child that %s is an unreadable store', async (_name, script, detail) => {
  expect(await run(script)).toEqual({ kind: 'unreadable', detail: expect.stringMatching(detail) })
})

test('red: a child that never ends is stopped', async () => {
  expect(await run('setInterval(() => {}, 1000)', 300)).toEqual({
    kind: 'unreadable',
    detail: 'the verifier gave no answer within 300 ms',
  })
})

test('red: a program that is not there', async () => {
  const verification = await verifyInChild({ children, clock: systemClock, argv: ['/no/such/program'] })
  expect(verification).toEqual({
    kind: 'unreadable',
    detail: 'the verifier did not start: no such program: /no/such/program',
  })
})
