// scripts.js: sends the scripts of slotq to a server, by whichever command it allows, and tells
// refusals from failures. Knows manifest.json and the errors; no verb.
'use strict';

const { existsSync, readFileSync } = require('fs');
const path = require('path');

class Refused extends Error {
    constructor(code, text) {
        super(text);
        this.name = 'Refused';
        this.code = code;
    }
}

class OutcomeUnknown extends Error {
    constructor(script, cause) {
        super(`${script}: the connection ended before the reply came; it may have happened`);
        this.name = 'OutcomeUnknown';
        this.cause = cause;
    }
}

function defaultFolder() {
    const beside = path.join(__dirname, 'lua');
    return existsSync(beside) ? beside : path.join(__dirname, '..', '..', '..', 'build', 'lua');
}

/** The scripts, and the way in which a server takes them: EVALSHA, FCALL where that is refused, or
 * their read-only forms. One may serve all queues of a client. */
class Scripts {
    constructor(client, folder = defaultFolder()) {
        this.client = client;
        this.folder = folder;
        this.options = require('redis').commandOptions({ returnBuffers: true });
        const manifest = JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8'));
        this.scripts = new Map(manifest.scripts.map(script => [script.name, script]));
        const functions = readFileSync(path.join(folder, 'slotq.functions.lua'), 'latin1');
        this.library = /^#!lua name=(\S+)/.exec(functions)[1];
        this.variant = 'redis7';
        this.ways = new Map(); // whether a script only reads: the command that worked
    }

    send(...args) {
        return this.client.sendCommand(args, this.options);
    }

    /** Run a script; its reply as it is, strings as Buffers. */
    async call(name, keys, args) {
        const reads = this.scripts.get(name).flags === 'no-writes';
        const known = this.ways.get(reads);
        const all = reads ? ['EVALSHA', 'EVALSHA_RO', 'FCALL', 'FCALL_RO'] : ['EVALSHA', 'FCALL'];
        const ways = known ? [known] : all;
        for (const way of ways) {
            try {
                const reply = await this.run(way, name, [`${keys.length}`, ...keys, ...args]);
                this.ways.set(reads, way);
                return reply;
            } catch (error) {
                const text = error.message;
                if (text.startsWith('SLOTQ')) {
                    this.ways.set(reads, way);
                    throw refusal(text);
                }
                if (!text.startsWith('NOPERM') || way === ways[ways.length - 1]) {
                    throw this.failure(name, reads, error);
                }
            }
        }
        throw new Error('no way was tried');
    }

    /** Of a call that was sent and has no reply, a client cannot know what became of it. */
    failure(name, reads, error) {
        const isReply = error.constructor.name === 'ErrorReply' || /^[A-Z]+ /.test(error.message);
        const unsent = ['ClientClosedError', 'ClientOfflineError'].includes(error.constructor.name);
        return reads || isReply || unsent ? error : new OutcomeUnknown(name, error);
    }

    async run(way, name, rest) {
        if (way.startsWith('FCALL')) {
            return this.send(way, `${this.library}_${name}`, ...rest);
        }
        for (let i = 0; i < 3; i++) { // as it is; loaded; loaded in the other variant
            try {
                return await this.send(way, this.scripts.get(name).sha1[this.variant], ...rest);
            } catch (error) {
                if (!error.message.startsWith('NOSCRIPT')) {
                    throw error;
                }
                await this.load(name);
            }
        }
        throw new Refused('NOSCRIPT', `the server forgets the script ${name} as soon as it has it`);
    }

    async load(name) {
        try {
            const file = path.join(this.folder, this.variant, `${name}.lua`);
            await this.send('SCRIPT', 'LOAD', readFileSync(file));
        } catch (error) {
            if (this.variant !== 'redis7' || !error.message.includes('compil')) {
                throw error;
            }
            this.variant = 'plain'; // a server before Redis 7 does not know the first line
        }
    }
}

function refusal(text) {
    const code = /^SLOTQ([A-Z]+)/.exec(text)[1];
    const more = code === 'SHARDED' ? ' (this client does not support sharded queues)' : '';
    return new Refused(code, text + more);
}

module.exports = { OutcomeUnknown, Refused, Scripts };
