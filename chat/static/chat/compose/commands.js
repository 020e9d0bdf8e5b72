// What can be done by writing it: a word after a slash, for some with an argument. Each does what a button does.
// A text that begins with a slash and is no command is a message like others.

import { get } from "../lib/api.js";
import { findAs, h } from "../lib/dom.js";
import { commandLabel } from "./commandMenu.js";
import { PROMPTS } from "./prompts.js";
/** @import { PageShell } from "../page/pageShell.js" */
/** @import { Search } from "../page/search.js" */
/** @import { Sidebar } from "../page/sidebar.js" */
/** @import { Thread } from "../thread/thread.js" */
/** @import { Composer } from "./composer.js" */
/** @import { ModelPicker } from "./modelPicker.js" */

/**
 * @typedef {object} Command
 * @property {string} name
 * @property {string[]} [aliases]
 * @property {string} [argument] what it takes
 * @property {string} description
 * @property {() => unknown} [isReady] whether it can be run now
 * @property {string} [unavailable] the message where it cannot
 * @property {() => string[]} [choices] of the argument
 * @property {(argument: string) => unknown} act
 */
/** @typedef {{ label: string, argument?: string, description?: string, text: string, act: () => unknown }} Option */
/**
 * @typedef {object} Parts
 * @property {PageShell} shell
 * @property {Sidebar} sidebar
 * @property {Thread} thread
 * @property {Composer} composer
 * @property {ModelPicker} picker
 * @property {Search} search
 * @property {(text: string) => void} send
 * @property {(message: string) => void} notify
 */

const WHOLE = /^\/([a-z]+)(?: +(.*))?$/i;
const NAME = /^\/([a-z]*)$/i;
const WITH_ARGUMENT = /^\/([a-z]+) +(.*)$/i;

export class Commands {
    /** @param {Parts} parts */
    constructor(parts) {
        this.notify = parts.notify;
        this.all = commandsOf(parts);
    }

    /** Runs a text if it is a command; returns whether it was one. @param {string} text */
    run(text) {
        const [, name, argument = ""] = text.trim().match(WHOLE) ?? [];
        const command = this.#find(name);
        if (!command || (argument && !command.argument)) return false;
        if (isReady(command)) command.act(argument);
        else this.notify(command.unavailable ?? "");
        return true;
    }

    /**
     * Returns what a text may become while it is written: a command, or one with an argument.
     * @param {string} text
     * @returns {Option[]}
     */
    suggest(text) {
        const [, prefix] = text.match(NAME) ?? [];
        if (prefix !== undefined) return this.all.filter((each) => isReady(each) && matches(each, prefix.toLowerCase())).map(optionOf);
        const [, name, argument = ""] = text.match(WITH_ARGUMENT) ?? [];
        const command = this.#find(name);
        if (!command) return [];
        const choices = command.choices?.() ?? [];
        return choices.filter((choice) => choice.toLowerCase().includes(argument.trim().toLowerCase())).map((choice) => optionWith(command, choice));
    }

    /** All of them as terms and descriptions, for the help. */
    get descriptions() {
        return this.all.flatMap((each) => [h("dt", {}, commandLabel({ ...each, label: `/${each.name}` })), h("dd", {}, each.description)]);
    }

    /** @param {string | undefined} name */
    #find(name) {
        const wanted = name?.toLowerCase() ?? "";
        return this.all.find((each) => each.name === wanted || each.aliases?.includes(wanted));
    }
}

/** @param {Command} command */
function isReady({ isReady }) {
    return !isReady || Boolean(isReady());
}

/**
 * @param {Command} command
 * @param {string} prefix
 */
function matches({ name, aliases = [] }, prefix) {
    return [name, ...aliases].some((each) => each.startsWith(prefix));
}

/**
 * @param {Command} command
 * @returns {Option}
 */
function optionOf({ name, argument, description, act }) {
    return { label: `/${name}`, argument, description, text: argument ? `/${name} ` : `/${name}`, act: () => act("") };
}

/**
 * @param {Command} command
 * @param {string} choice
 * @returns {Option}
 */
function optionWith({ name, act }, choice) {
    return { label: choice, text: `/${name} ${choice}`, act: () => act(choice) };
}

/**
 * @param {Parts} parts
 * @returns {Command[]}
 */
function commandsOf({ shell, sidebar, thread, composer, picker, search, send }) {
    const forOpenOne = { isReady: () => thread.id, unavailable: "This conversation has no messages yet." };
    /** @param {(conversation: Wire.Conversation) => void} act */
    const withOpenOne = async (act) => act(thread.conversation ?? (await get(`conversations/${thread.id}`))); // it may be loading
    return [
        { name: "new", argument: "message", description: "Start a new chat", act: (text) => shell.begin(text) },
        { name: "schedule", description: "Create a schedule", act: () => composer.suggest(PROMPTS.schedule) },
        { name: "schedules", description: PROMPTS.schedules, act: () => send(PROMPTS.schedules) },
        { name: "runs", description: PROMPTS.runs, act: () => send(PROMPTS.runs) },
        { name: "failures", description: PROMPTS.failures, act: () => send(PROMPTS.failures) },
        { name: "forecast", description: PROMPTS.forecast, act: () => send(PROMPTS.forecast) },
        { name: "model", argument: "name", description: "Choose the model", choices: () => picker.names(picker.models), act: (name) => picker.pick(picker.models, name) },
        { name: "profile", argument: "name", description: "Choose the profile", choices: () => picker.names(picker.profiles), act: (name) => picker.pick(picker.profiles, name) },
        { name: "search", argument: "words", description: "Search conversations", act: (text) => search.open(text) },
        { name: "stop", description: "Stop the reply", isReady: () => thread.unfinished.length, unavailable: "No reply is running.", act: () => thread.stopCurrent() },
        { name: "fork", description: "Fork this conversation", ...forOpenOne, act: () => thread.fork() },
        { name: "rename", argument: "title", description: "Rename this conversation", ...forOpenOne, act: (title) => shell.rename(title) },
        { name: "pin", description: "Pin or unpin this conversation", ...forOpenOne, act: () => withOpenOne((each) => sidebar.pin(each)) },
        { name: "folder", argument: "name", description: "Move this conversation to a folder", ...forOpenOne, choices: () => sidebar.folders.names, act: (name) => withOpenOne((each) => sidebar.folders.move(each, name)) },
        { name: "archive", description: "Archive or unarchive this conversation", ...forOpenOne, act: () => withOpenOne((each) => sidebar.archive(each)) },
        { name: "export", argument: "md or json", description: "Download this conversation", ...forOpenOne, choices: () => ["md", "json"], act: (format) => thread.id && sidebar.download(thread.id, format) },
        { name: "help", aliases: ["shortcuts", "keys"], description: "Show all keyboard shortcuts and commands", act: () => findAs(HTMLDialogElement, "#help").showModal() },
    ];
}
