// Reads one flow: idle → parsing → validating → complete or error. Tells its orchestrator and ends.

import { defineStatem, located, type Ref, statem } from '../../src/index.ts'
import { type ParsedFlow, parseFlow, validateFlow } from '../flow/flow-language.ts'
import type { FlowSpec } from '../flow/flow-spec.ts'
import { InputError } from '../flow/input-error.ts'
import type { OrchestratorProtocol } from '../orchestrator/protocol.ts'

export interface SpecParserStart {
  readonly input: string
  /** The roles there are agents for. */
  readonly roles: readonly string[]
  readonly owner: Ref<OrchestratorProtocol>
}

interface Data extends SpecParserStart {
  readonly parsed?: ParsedFlow
  readonly spec?: FlowSpec
  readonly problem?: string
}

const go = statem.nextEvent('internal', 'go')

export const SpecParser = located(
  import.meta.url,
  'SpecParser',
  defineStatem({
    name: 'flow_spec_parser',
    init: (start: SpecParserStart) => statem.initial('idle', start as Data, go),
    states: {
      idle: {
        internal: ({ self, data }) => {
          self.cast(data.owner, 'joined', { kind: 'spec parser', pid: self.pid })
          return statem.next('parsing', data, go)
        },
      },
      parsing: {
        internal: ({ data }) => {
          try {
            return statem.next('validating', { ...data, parsed: parseFlow(data.input) }, go)
          } catch (error) {
            return statem.next('error', { ...data, problem: problemOf(error) }, go)
          }
        },
      },
      validating: {
        internal: ({ data }) => {
          try {
            if (data.parsed === undefined) throw new Error('nothing was parsed')
            return statem.next('complete', { ...data, spec: validateFlow(data.parsed, data.roles) }, go)
          } catch (error) {
            return statem.next('error', { ...data, problem: problemOf(error) }, go)
          }
        },
      },
      complete: {
        internal: ({ self, data }) => {
          if (data.spec !== undefined) self.cast(data.owner, 'parsed', { ok: data.spec })
          return statem.stop('normal')
        },
      },
      error: {
        internal: ({ self, data }) => {
          self.cast(data.owner, 'parsed', { error: data.problem ?? '' })
          return statem.stop('normal')
        },
      },
    },
  }),
)

// Wrong input is an answer; anything else is a fault of ours, for the supervisor to see.
function problemOf(error: unknown): string {
  if (error instanceof InputError) return error.message
  throw error
}
