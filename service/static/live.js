"use strict";
// Keeps an open page true: ages tick, and when the server says that something has changed, the page is fetched
// again and its changed parts are put in place. Without this the page refreshes itself.

const RETRY = 2000;
const LONG_RETRY = 15000;

// Our clock is not the server's.
let ahead = Date.now() - Number(document.body.dataset.now);
let events = null;
let wanted = null;
let fetching = null;

// As `age.rs` says it.
const two = (large, unit, small, smallUnit) => `${large} ${unit}` + (small ? ` ${small} ${smallUnit}` : "");

function span(s) {
  const whole = (n) => Math.floor(s / n);
  if (s < 60) return `${s} s`;
  if (s < 3600) return two(whole(60), "min", s % 60, "s");
  if (s < 86400) return two(whole(3600), "h", whole(60) % 60, "min");
  return two(whole(86400), "d", whole(3600) % 24, "h");
}

function ago(s) {
  if (s < 5) return "just now";
  if (s < 60) return `${s} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ago`;
  return `${Math.floor(s / 86400)} d ago`;
}

function tick() {
  const now = Date.now() - ahead;
  const since = (moment) => Math.max(0, Math.floor((now - Date.parse(moment)) / 1000));
  for (const time of document.querySelectorAll("time[data-tick]")) {
    const text = (time.dataset.tick === "ago" ? ago : span)(since(time.dateTime));
    if (time.textContent !== text) time.textContent = text;
  }
  for (const bar of document.querySelectorAll("progress[data-from]")) bar.value = since(bar.dataset.from);
}

function say(state) {
  document.body.dataset.live = state;
  const words = { live: "live", lost: "reconnecting", unreadable: "ledger unreadable" }[state];
  for (const place of document.querySelectorAll(".live")) if (place.textContent !== words) place.textContent = words;
}

// A request for a document parses without running anything and needs no text turned into markup.
function load() {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", location.href);
    request.responseType = "document";
    request.timeout = 10000;
    request.onload = () => (request.response ? resolve(request.response) : reject());
    request.onerror = request.ontimeout = reject;
    request.send();
  });
}

function swap(page) {
  if (page.body.dataset.release !== document.body.dataset.release) return location.reload();
  const active = document.activeElement;
  const focus = active?.getAttribute("href");
  // Who is filling in a form keeps it.
  const form = document.querySelector("#actions:has(details[open])");
  if (form) page.getElementById("actions")?.replaceWith(form);
  for (const part of ["main", ".aside"]) {
    const [now, next] = [document.querySelector(part), page.querySelector(part)];
    if (now && next && !now.isEqualNode(next)) now.replaceWith(document.adoptNode(next));
  }
  document.body.dataset.now = page.body.dataset.now;
  // What has ended does not change any more.
  if (page.body.dataset.seen === undefined) stop();
  else document.body.dataset.seen = page.body.dataset.seen;
  document.title = page.title;
  ahead = Date.now() - Number(document.body.dataset.now);
  if (form?.contains(active)) active.focus({ preventScroll: true });
  else if (focus && document.activeElement === document.body) document.querySelector(`main a[href="${CSS.escape(focus)}"]`)?.focus({ preventScroll: true });
  if (events) say("live");
  tick();
}

function stop() {
  events?.close();
  events = null;
}

// Another task of the service may be a second behind the one that told us: then once more.
async function renew() {
  while (events && wanted !== document.body.dataset.seen && wanted !== "unreadable") {
    // Who is marking text on the page keeps it.
    if (document.getSelection()?.type !== "Range") {
      const page = await load().catch(() => null);
      // A balancer with nobody behind it answers with a page of its own.
      if (page?.body?.dataset.release) swap(page);
      if (!events || wanted === document.body.dataset.seen) return;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY));
  }
}

function listen() {
  events = new EventSource("/events");
  events.onmessage = ({ data }) => {
    wanted = data;
    say(data === "unreadable" ? "unreadable" : "live");
    // A thousand pages do not come in the same instant.
    fetching ??= new Promise((resolve) => setTimeout(resolve, Math.random() * 300)).then(renew).finally(() => (fetching = null));
  };
  events.onerror = () => {
    say("lost");
    // The browser comes back by itself unless it was refused.
    if (events?.readyState === EventSource.CLOSED) setTimeout(listen, LONG_RETRY);
  };
}

setInterval(tick, 1000);
if (document.body.dataset.seen !== undefined) listen();
addEventListener("pagehide", stop);
// A page that comes back out of the browser's memory has lost its stream.
addEventListener("pageshow", (event) => event.persisted && location.reload());
