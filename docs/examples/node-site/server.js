import { createServer } from 'node:http';
import { marked } from 'marked';

const page = marked.parse('# A Node site\n\nRendered by [marked](https://marked.js.org), a dependency from npm.\n');

// PORT is the path of a unix socket here, and a number elsewhere: listen() takes both.
createServer((request, response) => {
  response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' });
  response.end(page);
}).listen(process.env.PORT ?? 3000);
