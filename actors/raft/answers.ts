// Answers on their way out: gathered while a process has its turn, then sent in one message per client.

import type { Ref } from '../../src/kernel/ref.ts'
import type { Self } from '../../src/kernel/self.ts'
import type { Outcome } from './applied-state.ts'
import type { Refused } from './core/input.ts'
import type { AdminAnswer, Asker, ClientAnswer, ClientProtocol } from './protocol.ts'
import { packAnswers } from './wire.ts'

export class Answers {
  readonly #self: Self
  readonly #waiting = new Map<Ref<ClientProtocol>, ClientAnswer[]>()

  constructor(self: Self) {
    this.#self = self
  }

  refuse(asker: Asker, { code, leader }: Refused): void {
    if ('from' in asker) this.#self.reply(asker.from, { ok: false, code, leader } satisfies AdminAnswer)
    else this.#add(asker.client, { id: asker.id, refused: code, leader })
  }

  answer(asker: Asker, answer: Uint8Array): void {
    if ('from' in asker) this.#self.reply(asker.from, { ok: true } satisfies AdminAnswer)
    else this.#add(asker.client, { id: asker.id, answer })
  }

  outcome(asker: Asker, outcome: Outcome, leader: string | undefined): void {
    if (outcome.type === 'answer') this.answer(asker, outcome.bytes)
    else if (outcome.type === 'refused') this.refuse(asker, { code: outcome.code, leader })
    else if (outcome.type === 'session' && 'client' in asker)
      this.#add(asker.client, { id: asker.id, session: outcome.id })
  }

  /** Sends what was gathered. */
  send(): void {
    if (this.#waiting.size === 0) return
    for (const [client, answers] of this.#waiting) this.#self.cast(client, 'reply', packAnswers(answers))
    this.#waiting.clear()
  }

  #add(client: Ref<ClientProtocol>, answer: ClientAnswer): void {
    const answers = this.#waiting.get(client)
    if (answers === undefined) this.#waiting.set(client, [answer])
    else answers.push(answer)
  }
}
