// Preloaded: to this process the host of the documentation is this machine.
const dns = require("node:dns");

const { lookup } = dns;
dns.lookup = (host, options, callback) => lookup(host === "bot.example.com" ? "127.0.0.1" : host, options, callback);
