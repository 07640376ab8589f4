/* large_files.h: 64-bit file offsets on 32-bit machines, where they must be asked for before
 * anything else is included. Locks lie far behind the image's bytes.
 */
#ifndef SLOTQ_BACKEND_SYSTEM_LARGE_FILES_H
#define SLOTQ_BACKEND_SYSTEM_LARGE_FILES_H

#if defined(__SIZEOF_POINTER__) && __SIZEOF_POINTER__ < 8 && !defined(_FILE_OFFSET_BITS)
#define _FILE_OFFSET_BITS 64
#endif

#endif
