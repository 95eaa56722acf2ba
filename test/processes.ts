// Processes for tests: one that only lives, one that keeps what it is sent.

import type { Node, Pid } from 'espalier'

/** A process that lives until it is killed. */
export function spawnIdle(node: Node): Pid {
  return node.spawn(async (self) => {
    await self.receive(() => false)
  })
}

/** A process that keeps the messages it is sent, in order. */
export function spawnCollector(node: Node): { readonly pid: Pid; readonly messages: unknown[] } {
  const messages: unknown[] = []
  const pid = node.spawn(async (self) => {
    for (;;) messages.push(await self.receive())
  })
  return { pid, messages }
}

/** Kills processes and waits until that has been noticed. */
export async function kill(node: Node, ...pids: Pid[]): Promise<void> {
  for (const pid of pids) node.sendExit(pid, 'kill')
  await node.idle()
}

/** Something that happens once. */
export class Signal {
  give = (): void => {}
  readonly given = new Promise<void>((resolve) => {
    this.give = resolve
  })
}
