// The chat page: makes its parts and tells each what it needs to know of the others.

import { onSessionOver } from "../lib/api.js";
import { Announcer } from "./announcer.js";
import { bindFiles } from "../compose/fileInput.js";
import { Chip } from "./connectionStatus.js";
import { Commands } from "../compose/commands.js";
import { Composer } from "../compose/composer.js";
import { find, keepSymbols } from "../lib/dom.js";
import { bindKeys } from "./keyboardShortcuts.js";
import { Needs } from "./pendingApprovals.js";
import { Outbox } from "../compose/outbox.js";
import { Outlook } from "../compose/contextEstimate.js";
import { Picker } from "../compose/modelPicker.js";
import { Quoting } from "../compose/quotation.js";
import { Replies } from "./liveReplies.js";
import { Scroller } from "../lib/scroller.js";
import { Search } from "./search.js";
import { Shell } from "./pageShell.js";
import { Sidebar } from "./sidebar.js";
import { Connection } from "./connection.js";
import { Suggestions } from "../compose/commandMenu.js";
import { Thread } from "../thread/thread.js";
import { toast } from "../lib/toast.js";
import { Traffic } from "./frameRouter.js";
import { Tray } from "../compose/attachmentTray.js";
import { welcome } from "./welcome.js";

const config = JSON.parse(find("#config").textContent);
const list = find("#thread");

const connection = new Connection("/ws/chat/", () => traffic.hello());
const replies = new Replies((frame) => connection.say(frame));
const outbox = new Outbox(connection, config);
const scroller = new Scroller(find("#scroll"), find("#content"), find("#jump"));
const picker = new Picker(find("#profile"), find("#model"), toast);
const tray = new Tray(find("#tray"), config);
const composer = new Composer(find("#composer"), config.user, picker, tray);
const thread = new Thread({ list, replies, outbox, connection, scroller, composer, links: config.links, tell: toast });
const sidebar = new Sidebar(find("#sidebar"));
const announcer = new Announcer(find("#announcer"), (id) => thread.messages.some((message) => message.id === id));
const needs = new Needs(find("#needs"), config.links.run);
const traffic = new Traffic({ connection, replies, outbox, thread, sidebar, announcer, needs });
const shell = new Shell({ sidebar, thread, composer, picker, connection, config });
const search = new Search(find("#search"), (id, messageId) => shell.go(id, messageId));
new Outlook(find("#outlook"), composer, thread, announcer);
new Quoting(composer, find("#scroll"));
new Chip(find("#chip"), connection, outbox);

const say = (words) => thread.send(words, composer.choice);
const commands = new Commands({ shell, sidebar, thread, composer, picker, search, say, tell: toast });
find("#help [data-commands]").append(...commands.told);
new Suggestions(find("#commands"), composer, commands, announcer);
composer.addEventListener("stop", () => thread.stopNow());
composer.addEventListener("send", ({ detail: { text, ...draft } }) => (commands.run(text) ? tray.restore(draft.attachments) : thread.send(text, draft)));
composer.addEventListener("edit-last", () => thread.lastOfPerson && thread.edit(thread.lastOfPerson));
find("#welcome").append(welcome(config, say));
onSessionOver(() => shell.sayOver());
bindKeys({ shell, search, thread });
bindFiles(tray, composer);

shell.open(config.conversation);
sidebar.load().catch((error) => toast(error.message));
connection.start();
keepSymbols();
