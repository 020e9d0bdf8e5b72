// The views of the messages of a thread, by id; and the messages that are shown before the server's versions come.

import { AssistantMessage, UserMessage } from "./message.js";
/** @import { Entry, Ids } from "../compose/outbox.js" */
/** @import { Thread } from "./thread.js" */

/** @typedef {UserMessage | AssistantMessage} MessageView */

export class MessageViews {
    /** @type {Map<Wire.Id, MessageView>} */
    #views = new Map();
    #thread;

    /** @param {Thread} thread */
    constructor(thread) {
        this.#thread = thread;
    }

    clear() {
        this.#views.clear();
    }

    /** @param {Wire.Id | null} id */
    get(id) {
        return this.#views.get(id ?? "");
    }

    /**
     * @param {Wire.Id | null} id
     * @returns {AssistantMessage | undefined}
     */
    assistant(id) {
        const view = this.get(id);
        return view instanceof AssistantMessage ? view : undefined;
    }

    /** @param {Wire.Id | null} id */
    user(id) {
        const view = this.get(id);
        return view instanceof UserMessage ? view : undefined;
    }

    /**
     * @param {Wire.Message[]} messages
     * @returns {AssistantMessage[]} of those that are replies
     */
    assistants(messages) {
        return messages.map(({ id }) => this.assistant(id)).filter((view) => view !== undefined);
    }

    /** Returns the view of a message, up to date. @param {Wire.Message} message */
    of(message) {
        const known = this.#views.get(message.id);
        known?.update(message);
        const view = known ?? new (message.role === "user" ? UserMessage : AssistantMessage)(message, this.#thread);
        this.#views.set(message.id, view);
        return view;
    }

    /** Forgets the views of all other messages. @param {Wire.Message[]} messages */
    retain(messages) {
        const ids = new Set(messages.map(({ id }) => id));
        for (const id of this.#views.keys()) if (!ids.has(id)) this.#views.delete(id);
    }
}

/**
 * The message of an accepted entry and its reply, as far as the page knows them.
 * @param {Entry} entry
 * @param {Ids} ids
 * @param {Wire.Id | null} parentId
 * @returns {Wire.Message[]}
 */
export function provisionalMessages({ text, attachments = [] }, ids, parentId) {
    const created_at = new Date().toISOString();
    const lists = { parts: [], siblings: [], tools: [], approvals: [] };
    const absent = { reason: null, notice: null, html: null, model: null, profile: null, run_id: null, schedule_id: null, finished_at: null };
    const figures = { last_seq: 0, first_token_ms: null, total_ms: null, input_tokens: 0, output_tokens: 0, cost_usd: null };
    const common = { conversation_id: ids.conversation_id, created_at, card: {}, ...lists, ...absent, ...figures };
    return [
        { ...common, id: ids.message_id, role: "user", status: "complete", text, attachments, parent_id: parentId },
        { ...common, id: ids.reply_id, role: "assistant", status: "pending", text: "", attachments: [], parent_id: ids.message_id },
    ];
}
