// The rows of sys(3). The scenarios' format has no system requests, but for the end of a process: tests show them.

import type { Section } from './row.ts'

const loops =
  'Every process that answers system requests is a behaviour of ours; raw processes refuse them with `badarg`.'

export const sysSection: Section = {
  title: 'sys',
  manual: 'sys(3)',
  kind: 'server',
  groups: [
    {
      title: 'Requests',
      rows: [
        {
          otp: '`suspend/1,2`: only system messages are handled',
          ours: '`sys.suspend(by, target)`',
          tests: [
            'behaviours/sys: answers system requests and nothing else, and loses nothing',
            'behaviours/sys: a supervisor restarts no child until it is resumed',
          ],
        },
        {
          otp: '`resume/1,2`',
          ours: '`sys.resume`',
          tests: ['behaviours/sys: answers system requests and nothing else, and loses nothing'],
        },
        {
          otp: '`get_state/1,2`: of gen_statem `{State, Data}`',
          ours: '`sys.getState`: `{ state, data }`',
          tests: ['behaviours/sys: of a server, a state machine and a supervisor can be seen, each inside its loop'],
        },
        {
          otp: '`replace_state/2,3`: the new state',
          ours: '`sys.replaceState`',
          tests: [
            'behaviours/sys: can be replaced',
            "behaviours/sys: a supervisor's flags can be replaced, but not by wrong ones",
          ],
        },
        {
          otp: '`{callback_failed, …}`; the state stays',
          ours: 'rejects, reason `{ callback_failed }`',
          tests: [
            'behaviours/sys: stays as it was when its replacement throws; the asker is told, the process goes on',
          ],
        },
        {
          otp: '`get_status/1,2`: module, `running` or `suspended`, parent, debug options, state',
          ours: '`sys.getStatus`; the parent by `processInfo`',
          tests: [
            'behaviours/sys: answers system requests and nothing else, and loses nothing',
            'behaviours/sys: each event reaches hooks and, traced, the reports; a hook that is done or fails hears no more',
          ],
          differs: 'No process dictionary.',
        },
        {
          otp: '`terminate/2,3`: asynchronous, with the reason',
          ours: '`sys.terminate`',
          tests: ['behaviours/sys: terminate ends a process its own way, with the reason given'],
        },
        {
          otp: '`change_code/4,5`',
          ours: '—',
          differs: 'Code is not replaced in a running process: a new version is a new start.',
        },
        {
          otp: '`Name`: a pid or local name; exit `noproc`',
          ours: 'the same',
          tests: [
            'behaviours/sys: a name will do; nobody has it: noproc. A raw process refuses, and nobody can ask itself',
          ],
        },
        { otp: '`{global, …}`, `{via, …}`', ours: '—', differs: 'Names are of one node.' },
        {
          otp: '`Timeout`, default 5000: exit `timeout`',
          ours: '`{ timeoutMs }`, default 5000',
          tests: ['behaviours/sys-time: a request waits its time for a process at work, by default 5000 ms'],
        },
      ],
    },
    {
      title: 'Debugging',
      rows: [
        {
          otp: '`statistics/2,3`: `true`, `false`',
          ours: '`sys.statistics(by, target, flag)`',
          tests: [
            'behaviours/sys: statistics count messages in and out, without system requests, until they are switched off',
          ],
        },
        {
          otp: '`statistics(_, get)`: `start_time`, `current_time`, `messages_in`, `messages_out`; `no_statistics`',
          ours: '`startEpochMs`, `currentEpochMs`, `messagesIn`, `messagesOut`; undefined',
          tests: [
            'behaviours/sys: statistics count messages in and out, without system requests, until they are switched off',
          ],
          differs: 'No `reductions`.',
        },
        {
          otp: '`log/2,3`: `true`, `{true, N}`, `false`, `get`; default 10 events',
          ours: '`sys.log(by, target, flag)`: true, a number, false, `get`',
          tests: ['behaviours/sys: the log keeps the last events in a bounded ring'],
        },
        {
          otp: '`log(_, print)`, `log_to_file/2,3`',
          ours: '—',
          differs: 'Nothing here writes by itself: `get`, and print.',
        },
        {
          otp: '`trace/2,3`',
          ours: '`sys.trace`: each event is a report of the node',
          tests: [
            'behaviours/sys: each event reaches hooks and, traced, the reports; a hook that is done or fails hears no more',
          ],
        },
        {
          otp: '`install/2,3`: `{Func, FuncState}`, `{FuncId, Func, FuncState}`; `done` and a failure take it out',
          ours: '`sys.install(by, target, { id, hook, state })`',
          tests: [
            'behaviours/sys: each event reaches hooks and, traced, the reports; a hook that is done or fails hears no more',
          ],
          differs: 'Each hook has an id; a second of that id: `{ error: already_installed }`, as in OTP’s code.',
        },
        {
          otp: '`remove/2,3`',
          ours: '`sys.remove(by, target, id)`',
          tests: ['behaviours/sys-time: a hook that is removed hears no more, others do'],
        },
        {
          otp: '`no_debug/1,2`',
          ours: '`sys.noDebug`',
          tests: [
            'behaviours/sys: each event reaches hooks and, traced, the reports; a hook that is done or fails hears no more',
          ],
        },
        {
          otp: 'system events `{in, …}`, `{out, …}`',
          ours: "`{ kind: 'in' }`, `{ kind: 'out' }`",
          tests: ['behaviours/sys: the log keeps the last events in a bounded ring'],
        },
        {
          otp: '`{noreply, …}`, `{continue, …}`, `{postpone, …}`, `{consume, …}`, `{start_timer, …}`, `{insert_timeout, …}`, `{enter, …}`, `{module, …}`, `{terminate, …}`',
          ours: "`{ kind: 'state' }`: what has become of it",
          tests: ['behaviours/sys: the state that a pending handler leads to is told when it is done'],
          differs: 'One event after each turn, whatever the behaviour.',
        },
        { otp: '`debug_option()` at the start', ours: '—', differs: 'Ask once it is started.' },
      ],
    },
    {
      title: 'Process implementation',
      rows: [
        {
          otp: '`debug_options/1`, `get_debug/3`, `handle_debug/4`, `handle_system_msg/6`, `print_log/1`, `get_log/1`',
          ours: '—',
          differs: loops,
        },
        {
          otp: '`system_continue/3`, `system_terminate/4`, `system_code_change/4`, `system_get_state/1`, `system_replace_state/2`',
          ours: '—',
          differs: loops,
        },
      ],
    },
  ],
}
