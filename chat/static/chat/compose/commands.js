// What can be done by writing it: a word after a slash, for some with more after it. Each does what a button does.
// What begins with a slash and is no command is words like others.

import { get } from "../lib/api.js";
import { ASKS } from "./prompts.js";
import { find, h } from "../lib/dom.js";
import { written } from "./commandMenu.js";

const WRITTEN = /^\/([a-z]+)(?: +(.*))?$/i;
const NAME = /^\/([a-z]*)$/i;
const GIVEN = /^\/([a-z]+) +(.*)$/i;

export class Commands {
    constructor(parts) {
        this.tell = parts.tell;
        this.all = commands(parts);
    }

    // Does what a text says if it is a command, and tells whether it was one.
    run(text) {
        const [, name, given = ""] = text.trim().match(WRITTEN) ?? [];
        const command = this.#called(name);
        if (!command || (given && !command.takes)) return false;
        if (isReady(command)) command.act(given);
        else this.tell(command.missing);
        return true;
    }

    // What a text may become while it is written: a command, or one with what it takes.
    suggest(text) {
        const [, begun] = text.match(NAME) ?? [];
        if (begun !== undefined) return this.all.filter((each) => isReady(each) && isNamed(each, begun.toLowerCase())).map(offer);
        const [, name, given = ""] = text.match(GIVEN) ?? [];
        const command = this.#called(name);
        const fitting = (choice) => choice.toLowerCase().includes(given.trim().toLowerCase());
        return (command?.choices?.() ?? []).filter(fitting).map((choice) => offerWith(command, choice));
    }

    // All of them, as the page of keys shows them.
    get told() {
        return this.all.flatMap((each) => [h("dt", {}, written({ ...each, label: `/${each.name}` })), h("dd", {}, each.tells)]);
    }

    #called(name) {
        return this.all.find((each) => each.name === name?.toLowerCase() || each.also?.includes(name?.toLowerCase()));
    }
}

function isReady({ ready }) {
    return !ready || Boolean(ready());
}

function isNamed({ name, also = [] }, begun) {
    return [name, ...also].some((each) => each.startsWith(begun));
}

function offer({ name, takes, tells, act }) {
    return { label: `/${name}`, takes, tells, text: takes ? `/${name} ` : `/${name}`, act: () => act("") };
}

function offerWith({ name, act }, choice) {
    return { label: choice, text: `/${name} ${choice}`, act: () => act(choice) };
}

function commands({ shell, sidebar, thread, composer, picker, search, say }) {
    const ofOne = { ready: () => thread.id, missing: "Nothing was said here yet." };
    const here = async (act) => act(thread.conversation ?? (await get(`conversations/${thread.id}`))); // it may be on its way
    return [
        { name: "new", takes: "first words", tells: "Begin a new chat", act: (words) => shell.begin(words) },
        { name: "schedule", tells: "Have something done again and again", act: () => composer.suggest(ASKS.schedule) },
        { name: "schedules", tells: ASKS.schedules, act: () => say(ASKS.schedules) },
        { name: "runs", tells: ASKS.runs, act: () => say(ASKS.runs) },
        { name: "failures", tells: ASKS.failures, act: () => say(ASKS.failures) },
        { name: "forecast", tells: ASKS.forecast, act: () => say(ASKS.forecast) },
        { name: "model", takes: "name", tells: "Pick the model", choices: () => picker.names(picker.models), act: (name) => picker.pick(picker.models, name) },
        { name: "profile", takes: "name", tells: "Pick who answers", choices: () => picker.names(picker.profiles), act: (name) => picker.pick(picker.profiles, name) },
        { name: "search", takes: "words", tells: "Search conversations", act: (words) => search.open(words) },
        { name: "stop", tells: "Stop the answer", ready: () => thread.unfinished.length, missing: "Nothing is being answered.", act: () => thread.stopNow() },
        { name: "fork", tells: "Go on from here in another conversation", ...ofOne, act: () => thread.fork() },
        { name: "rename", takes: "title", tells: "Give this conversation another title", ...ofOne, act: (title) => shell.rename(title) },
        { name: "pin", tells: "Pin or unpin this conversation", ...ofOne, act: () => here((one) => sidebar.pin(one)) },
        { name: "folder", takes: "name", tells: "Move this conversation to a folder", ...ofOne, choices: () => sidebar.folders.names, act: (name) => here((one) => sidebar.folders.move(one, name)) },
        { name: "archive", tells: "Put this conversation away, or bring it back", ...ofOne, act: () => here((one) => sidebar.archive(one)) },
        { name: "export", takes: "md or json", tells: "Download this conversation", ...ofOne, choices: () => ["md", "json"], act: (format) => sidebar.download({ id: thread.id }, format) },
        { name: "help", also: ["shortcuts", "keys"], tells: "Show all keys and commands", act: () => find("#help").showModal() },
    ];
}
